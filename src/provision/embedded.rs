//! What set-up carries in itself: the locks and the query engine's files, and what they are called.
//!
//! A payload's folder is named after its version and the hash of all that it is made from, so a
//! folder that is there and complete never has to be looked into.

use super::{hash::sha256, model::EngineFile};

/// The tools' lock: uv, and Node.js for where there is none.
pub(crate) const TOOLS_LOCK: &str = include_str!("../../locks/tools.txt");
/// LiteLLM's lock.
pub(crate) const LITELLM_LOCK: &str = include_str!("../../locks/litellm.txt");
/// Open WebUI's lock.
pub(crate) const OPEN_WEBUI_LOCK: &str = include_str!("../../locks/open-webui.txt");

macro_rules! embed {
    ($path:literal) => {
        EngineFile {
            path: $path,
            contents: include_str!(concat!("../../engine/", $path)),
        }
    };
}

/// The engine, without its tests; a test of ours keeps the list in step with the folder.
pub(crate) const ENGINE: &[EngineFile] = &[
    embed!(".npmrc"),
    embed!("bin/prisma"),
    embed!("generate"),
    embed!("package-lock.json"),
    embed!("package.json"),
    embed!("query-engine"),
    embed!("src/answers.mjs"),
    embed!("src/arguments.mjs"),
    embed!("src/columns.mjs"),
    embed!("src/core.mjs"),
    embed!("src/datamodel.mjs"),
    embed!("src/engine.mjs"),
    embed!("src/errors.mjs"),
    embed!("src/generate.mjs"),
    embed!("src/graphql.mjs"),
    embed!("src/heavy.mjs"),
    embed!("src/heavy_worker.mjs"),
    embed!("src/main.mjs"),
    embed!("src/paged_read.mjs"),
    embed!("src/peer.mjs"),
    embed!("src/planner.mjs"),
    embed!("src/pool.mjs"),
    embed!("src/postgres_text.mjs"),
    embed!("src/protocol.mjs"),
    embed!("src/raw_values.mjs"),
    embed!("src/reads.mjs"),
    embed!("src/record_values.mjs"),
    embed!("src/run.mjs"),
    embed!("src/server.mjs"),
    embed!("src/settings.mjs"),
    embed!("src/streamed_answer.mjs"),
    embed!("src/version.mjs"),
];

/// npm's lock of the engine.
pub(crate) const ENGINE_LOCK: &str = include_str!("../../engine/package-lock.json");

/// The release of Prisma's engine that ours is.
pub(crate) const ENGINE_VERSION: &str = "5.17.0";

/// The hash of everything that a folder of such files is made from.
pub(crate) fn files_hash(files: &[EngineFile]) -> String {
    let parts: Vec<&[u8]> = files
        .iter()
        .flat_map(|file| [file.path.as_bytes(), file.contents.as_bytes()])
        .collect();
    sha256(&parts)
}

/// The version that a lock pins a package to.
pub(crate) fn pinned<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    lock.lines().find_map(|line| {
        let rest = line.strip_prefix(package)?.strip_prefix("==")?;
        rest.split_whitespace().next()
    })
}

/// `<version>-<the first 8 digits of the hash>`.
pub(crate) fn folder(version: &str, hash: &str) -> String {
    format!("{version}-{}", &hash[..8])
}
