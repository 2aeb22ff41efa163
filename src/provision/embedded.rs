//! What set-up carries in itself: the locks and the query engine's files, and what they are called.
//!
//! A payload's folder is named after its version and the hash of all that it is made from, so a
//! folder that is there and complete never has to be looked into.

use sha2::{Digest as _, Sha256};

/// The tools' lock: uv, and Node.js for where there is none.
pub(super) const TOOLS_LOCK: &str = include_str!("../../locks/tools.txt");
/// LiteLLM's lock.
pub(super) const LITELLM_LOCK: &str = include_str!("../../locks/litellm.txt");
/// Open WebUI's lock.
pub(super) const OPEN_WEBUI_LOCK: &str = include_str!("../../locks/open-webui.txt");

/// One file of the engine.
#[derive(Debug)]
pub(super) struct EngineFile {
    /// Its path in `engine/`.
    pub(super) path: &'static str,
    /// All of it.
    pub(super) contents: &'static str,
}

impl EngineFile {
    /// Scripts begin by saying what runs them.
    pub(super) fn is_program(&self) -> bool {
        self.contents.starts_with("#!")
    }
}

macro_rules! embed {
    ($path:literal) => {
        EngineFile {
            path: $path,
            contents: include_str!(concat!("../../engine/", $path)),
        }
    };
}

/// The engine, without its tests; a test of ours keeps the list in step with the folder.
pub(super) const ENGINE: &[EngineFile] = &[
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
pub(super) fn engine_lock() -> &'static str {
    let lock = ENGINE.iter().find(|file| file.path == "package-lock.json");
    lock.map_or("{}", |file| file.contents)
}

/// The release of Prisma's engine that ours is.
pub(super) const ENGINE_VERSION: &str = "5.17.0";

/// In lower-case hexadecimal.
pub(super) fn sha256(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length first, so that no two lists of parts run together into the same bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Of one file's contents, as everybody else computes it.
pub(super) fn sha256_of_file(contents: &[u8]) -> String {
    hex(&Sha256::digest(contents))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |text, byte| {
            format!("{text}{byte:02x}")
        })
}

/// The hash of everything that the engine's folder is made from.
pub(super) fn engine_hash() -> String {
    let parts: Vec<&[u8]> = ENGINE
        .iter()
        .flat_map(|file| [file.path.as_bytes(), file.contents.as_bytes()])
        .collect();
    sha256(&parts)
}

/// The version that a lock pins a package to.
pub(super) fn pinned<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    lock.lines().find_map(|line| {
        let rest = line.strip_prefix(package)?.strip_prefix("==")?;
        rest.split_whitespace().next()
    })
}

/// `<version>-<the first 8 digits of the hash>`.
pub(super) fn folder(version: &str, hash: &str) -> String {
    format!("{version}-{}", &hash[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lock_pins_the_package_that_its_folder_is_named_after() {
        for (lock, package) in [
            (TOOLS_LOCK, "uv"),
            (LITELLM_LOCK, "litellm"),
            (OPEN_WEBUI_LOCK, "open-webui"),
        ] {
            let version = pinned(lock, package).unwrap();
            assert!(
                version.starts_with(|c: char| c.is_ascii_digit()),
                "{version}"
            );
        }
    }

    #[test]
    fn a_hash_tells_apart_how_the_same_bytes_are_divided() {
        assert_ne!(sha256(&[b"ab", b"c"]), sha256(&[b"a", b"bc"]));
        assert_eq!(
            sha256_of_file(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
