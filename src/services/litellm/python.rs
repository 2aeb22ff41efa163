//! The Python that is embedded for LiteLLM.

use crate::python::{Module, contents, modules};

/// The modules that run in LiteLLM alone.
pub(crate) const MODULES: &[Module] = modules!("in_litellm":
    "admin_account.py"
    "admin_budget.py"
    "database_client.py"
    "demo_model.py"
    "diet_litellm.py"
    "engine_environment.py"
    "engine_patience.py"
    "engine_socket.py"
    "gateway_app.py"
    "gateway_config.py"
    "gateway_drain.py"
    "gateway_server.py"
    "model_prices.py"
    "model_spend.py"
    "own_tables.py"
    "spend_commit.py"
    "spend_file.py"
    "spend_hooks.py"
    "spend_journal.py"
    "uncompressed.py"
);

/// Lets Python keep the bytecode of what LiteLLM's start imports. The diet's own module is executed before it.
pub(crate) const COMPILE: &str = contents!("commands", "compile_litellm.py");
/// Prints LiteLLM's views, for psql.
pub(crate) const VIEWS: &str = contents!("commands", "litellm_views.py");
