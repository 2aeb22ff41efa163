//! The folders of payloads: `<payload>/<version>-<hash>/`, finished when `.complete` is in them.
//!
//! A folder is made at its final place, because the scripts of a virtual environment hold its
//! absolute path; until the marker is there nobody uses it, and the next set-up makes it again.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{
    contents,
    error::SetupError,
    folders::{make_folder, remove, write_durably},
    model::{Damage, Payload},
};
use crate::{config::paths::Paths, fs::regular};

/// The name of the file that is written last, when the payload is whole.
pub(crate) const MARKER: &str = ".complete";

/// Returns the folder that a version of a payload has or will have.
pub(crate) fn folder(paths: &Paths, payload: &str, name: &str) -> PathBuf {
    paths.payloads().join(payload).join(name)
}

/// Returns what is wrong with a folder that was finished, or `None` where it was never finished.
pub(crate) fn looked_at(folder: &Path, payload: Payload, thorough: bool) -> Option<Option<Damage>> {
    if !is_complete(folder, payload) {
        return None;
    }
    let marker = regular::text(&folder.join(MARKER)).ok()?;
    let damage = contents::missing(payload, folder, &marker);
    if damage.is_none() && thorough {
        return Some(contents::verify(payload, folder).err());
    }
    Some(damage)
}

/// The marker, and the one file without which the folder is of no use: after an upgrade of the
/// distribution an environment's Python may be gone.
pub(crate) fn is_complete(folder: &Path, payload: Payload) -> bool {
    folder.join(MARKER).exists() && folder.join(payload.needed).exists()
}

/// An empty folder at the place of a payload, whatever an interrupted set-up left there.
pub(crate) fn begin(folder: &Path) -> Result<(), SetupError> {
    // The marker goes first: a folder that is half removed must not count as finished.
    match fs::remove_file(folder.join(MARKER)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(SetupError::io("remove", folder)(e));
        }
        Ok(()) | Err(_) => {}
    }
    remove(folder)?;
    make_folder(folder)
}

/// Everything is in it: flush that, then say so, with the digest of what was installed.
pub(crate) fn finish(folder: &Path, digest: &str) -> Result<(), SetupError> {
    File::open(folder)
        .and_then(|open| nix::unistd::syncfs(open).map_err(Into::into))
        .map_err(SetupError::io("flush", folder))?;
    write_durably(&folder.join(MARKER), digest.as_bytes(), 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fs::regular::tests::{at_once, pipe_at},
        provision::fixtures::LITELLM,
    };

    fn paths() -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().display().to_string();
        let paths = Paths::find(|n| (n == "AI_GATEWAY_HOME").then(|| home.clone()), false).unwrap();
        (dir, paths)
    }

    #[test]
    fn a_folder_counts_only_with_its_marker_and_what_it_is_for() {
        let (_dir, paths) = paths();
        let folder = folder(&paths, "litellm", "1-a");
        begin(&folder).unwrap();
        fs::create_dir(folder.join("bin")).unwrap();
        fs::write(folder.join("bin/python"), "").unwrap();
        assert!(!is_complete(&folder, LITELLM), "no marker yet");
        finish(&folder, "").unwrap();
        assert!(is_complete(&folder, LITELLM));
        fs::remove_file(folder.join("bin/python")).unwrap();
        assert!(!is_complete(&folder, LITELLM), "its Python is gone");
    }

    #[test]
    fn beginning_again_leaves_nothing_of_before() {
        let (_dir, paths) = paths();
        let folder = folder(&paths, "engine", "1-a");
        begin(&folder).unwrap();
        fs::write(folder.join("half"), "").unwrap();
        begin(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_pipe_in_the_place_of_a_marker_is_none() {
        let (_dir, paths) = paths();
        let folder = folder(&paths, "litellm", "1-a");
        begin(&folder).unwrap();
        fs::create_dir(folder.join("bin")).unwrap();
        fs::write(folder.join("bin/python"), "").unwrap();
        pipe_at(&folder.join(MARKER));
        let found = at_once(move || looked_at(&folder, LITELLM, false));
        assert!(found.is_none());
    }
}
