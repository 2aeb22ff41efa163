//! The query engine's files, which this program carries, and npm's lock of the packages that they need.

use crate::provision::model::EmbeddedFile;

macro_rules! embed {
    ($path:literal) => {
        EmbeddedFile {
            path: $path,
            contents: include_str!(concat!("../../../../engine/", $path)),
        }
    };
}

/// The engine, without its tests. A test holds this list against the folder.
pub(super) const ALL: &[EmbeddedFile] = &[
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

/// npm's lock of the engine's packages.
pub(super) const LOCK: &str = include_str!("../../../../engine/package-lock.json");

/// The release of Prisma's engine that this engine does the work of.
pub(super) const VERSION: &str = "5.17.0";
