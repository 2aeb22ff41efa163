//! What the folders of payloads are called: a version, and a hash of all that the payload is made from. So a
//! folder that is there and complete never has to be looked into.

use super::{
    embedded::{files_hash, folder, pinned},
    hash::sha256,
    model::EngineFile,
};

/// Of a lock, named after the version of this package. `with` are other things that it is made from.
pub(crate) fn of_lock(lock: &str, package: &str, with: &[&[EngineFile]]) -> String {
    let version = pinned(lock, package).expect("a test finds the version of every lock");
    let files: Vec<String> = with.iter().map(|files| files_hash(files)).collect();
    let mut parts = vec![lock.as_bytes()];
    parts.extend(files.iter().map(String::as_bytes));
    folder(version, &sha256(&parts))
}

/// Of files, with their version.
pub(crate) fn of_files(files: &[EngineFile], version: &str) -> String {
    folder(version, &files_hash(files))
}

/// Of one file that is known by its hash.
pub(crate) fn of_hash(sha256: &str) -> String {
    folder("sha256", sha256)
}
