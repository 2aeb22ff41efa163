//! What the folders of payloads are called: a version, and a hash of all that the payload is made from. So a
//! folder that is there and complete never has to be looked into.

use super::{hash::sha256, model::EmbeddedFile};

/// The name of the folder of what a lock installs, after the version of this package. `with` are the other files
/// that the payload is made from.
pub(crate) fn of_lock(lock: &str, package: &str, with: &[&[EmbeddedFile]]) -> String {
    let version = pinned(lock, package).expect("a test finds the version of every lock");
    let files: Vec<String> = with.iter().map(|files| files_hash(files)).collect();
    let mut parts = vec![lock.as_bytes()];
    parts.extend(files.iter().map(String::as_bytes));
    folder(version, &sha256(&parts))
}

/// The name of the folder of these files, which have this version together.
pub(crate) fn of_files(files: &[EmbeddedFile], version: &str) -> String {
    folder(version, &files_hash(files))
}

/// The name of the folder of what has this version and is known by these texts.
pub(crate) fn of_parts(version: &str, parts: &[&str]) -> String {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    folder(version, &sha256(&parts))
}

/// The name of the folder of one file that is known by its hash.
pub(crate) fn of_hash(sha256: &str) -> String {
    folder("sha256", sha256)
}

/// The version that a lock pins a package to.
pub(crate) fn pinned<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    lock.lines().find_map(|line| {
        let rest = line.strip_prefix(package)?.strip_prefix("==")?;
        rest.split_whitespace().next()
    })
}

/// The hash of everything that a folder of such files is made from.
fn files_hash(files: &[EmbeddedFile]) -> String {
    let parts: Vec<&[u8]> = files
        .iter()
        .flat_map(|file| [file.path.as_bytes(), file.contents.as_bytes()])
        .collect();
    sha256(&parts)
}

/// `<version>-<the first 8 digits of the hash>`.
fn folder(version: &str, hash: &str) -> String {
    format!("{version}-{}", &hash[..8])
}
