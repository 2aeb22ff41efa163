//! What runs inside LiteLLM: the launcher, the application and what it imports of ours, all in one folder.

use std::path::Path;

use crate::services::{diet, part::RenderedFile, uvicorn};

/// What Python is told to run.
pub(super) const LAUNCHER: &str = "gateway_server.py";

/// All files, in `folder`.
pub(super) fn all(folder: &Path) -> Vec<RenderedFile> {
    [uvicorn::gateway_log(folder), diet::litellm_module(folder)]
        .into_iter()
        .chain(diet::modules(folder))
        .chain(own(folder))
        .collect()
}

fn own(folder: &Path) -> [RenderedFile; 18] {
    [
        (
            "admin_account.py",
            include_str!("../../stack/litellm/admin_account.py"),
        ),
        (
            "admin_budget.py",
            include_str!("../../stack/litellm/admin_budget.py"),
        ),
        (
            "model_prices.py",
            include_str!("../../stack/litellm/model_prices.py"),
        ),
        (
            "model_spend.py",
            include_str!("../../stack/litellm/model_spend.py"),
        ),
        (
            "own_tables.py",
            include_str!("../../stack/litellm/own_tables.py"),
        ),
        (
            "uncompressed.py",
            include_str!("../../stack/litellm/uncompressed.py"),
        ),
        (
            "gateway_app.py",
            include_str!("../../stack/litellm/gateway_app.py"),
        ),
        (
            "gateway_drain.py",
            include_str!("../../stack/litellm/gateway_drain.py"),
        ),
        (
            LAUNCHER,
            include_str!("../../stack/litellm/gateway_server.py"),
        ),
        (
            "demo_model.py",
            include_str!("../../stack/litellm/demo_model.py"),
        ),
        (
            "database_client.py",
            include_str!("../../stack/litellm/database_client.py"),
        ),
        (
            "engine_socket.py",
            include_str!("../../stack/litellm/engine_socket.py"),
        ),
        (
            "engine_patience.py",
            include_str!("../../stack/litellm/engine_patience.py"),
        ),
        (
            "engine_environment.py",
            include_str!("../../stack/litellm/engine_environment.py"),
        ),
        (
            "spend_journal.py",
            include_str!("../../stack/litellm/spend_journal.py"),
        ),
        (
            "spend_hooks.py",
            include_str!("../../stack/litellm/spend_hooks.py"),
        ),
        (
            "spend_file.py",
            include_str!("../../stack/litellm/spend_file.py"),
        ),
        (
            "spend_commit.py",
            include_str!("../../stack/litellm/spend_commit.py"),
        ),
    ]
    .map(|(name, contents)| RenderedFile {
        path: folder.join(name),
        contents: contents.to_owned(),
    })
}
