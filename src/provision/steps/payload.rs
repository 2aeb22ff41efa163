//! The folders of payloads: `<name>/<version>-<hash>/`, finished when `.complete` is in them, and
//! the link `current`, which is replaced by a rename.
//!
//! A folder is made at its final place, because the scripts of a virtual environment hold its
//! absolute path; until the marker is there nobody uses it, and the next set-up makes it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, symlink},
    path::{Path, PathBuf},
};

use crate::{
    config::paths::Paths,
    fs::regular,
    provision::{
        contents::{self, Damage},
        error::SetupError,
        plan::{Payload, Wanted},
        record::{sync_folder, write_durably},
    },
};

/// Written last.
const MARKER: &str = ".complete";
const CURRENT: &str = "current";

/// Where a payload's version is or will be.
pub(in crate::provision) fn folder(paths: &Paths, payload: Payload, name: &str) -> PathBuf {
    paths.payloads().join(payload.name()).join(name)
}

/// What there is of payloads.
#[derive(Debug, Default)]
pub(in crate::provision) struct Survey {
    /// The wanted folders that are finished and lack nothing.
    pub(in crate::provision) complete: BTreeSet<(Payload, String)>,
    /// What is wrong with those that were finished once.
    pub(in crate::provision) damaged: Vec<Damage>,
    /// Where each `current` points.
    pub(in crate::provision) current: BTreeMap<Payload, String>,
}

/// Looks at the wanted payloads, each file of theirs.
pub(in crate::provision) fn survey(paths: &Paths, wanted: &Wanted) -> Survey {
    let mut found = Survey::default();
    let mut something_is_to_be_made = false;
    // The tools last: if anything else is to be made they will run, and are looked at closely.
    for payload in Payload::ALL.into_iter().rev() {
        if let Some(name) = wanted.folder(payload) {
            let folder = folder(paths, payload, name);
            let thorough = payload == Payload::Tools && something_is_to_be_made;
            match looked_at(&folder, payload, thorough) {
                Some(None) => {
                    found.complete.insert((payload, name.to_owned()));
                }
                Some(Some(damage)) => {
                    something_is_to_be_made = true;
                    found.damaged.push(damage);
                }
                None => something_is_to_be_made = true,
            }
        }
        let link = paths.payloads().join(payload.name()).join(CURRENT);
        if let Ok(target) = fs::read_link(link) {
            let target = target.to_string_lossy().into_owned();
            found.current.insert(payload, target);
        }
    }
    found
}

/// What is wrong with a folder that was finished; none: it was not.
fn looked_at(folder: &Path, payload: Payload, thorough: bool) -> Option<Option<Damage>> {
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
pub(in crate::provision) fn is_complete(folder: &Path, payload: Payload) -> bool {
    let needed = match payload {
        Payload::Tools | Payload::Litellm | Payload::OpenWebui => "bin/python",
        Payload::Engine => "generate",
        Payload::NativeEngine => "query-engine",
    };
    folder.join(MARKER).exists() && folder.join(needed).exists()
}

/// An empty folder at the place of a payload, whatever an interrupted set-up left there.
pub(in crate::provision) fn begin(folder: &Path) -> Result<(), SetupError> {
    // The marker goes first: a folder that is half removed must not count as finished.
    for gone in [
        fs::remove_file(folder.join(MARKER)),
        fs::remove_dir_all(folder),
    ] {
        match gone {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(SetupError::io("remove", folder)(e));
            }
            Ok(()) | Err(_) => {}
        }
    }
    make_folder(folder)
}

/// A folder for us alone, with all above it.
pub(in crate::provision) fn make_folder(folder: &Path) -> Result<(), SetupError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(SetupError::io("make the folder", folder))
}

/// Everything is in it: flush that, then say so, with the digest of what was installed.
pub(in crate::provision) fn finish(folder: &Path, digest: &str) -> Result<(), SetupError> {
    File::open(folder)
        .and_then(|open| nix::unistd::syncfs(open).map_err(Into::into))
        .map_err(SetupError::io("flush", folder))?;
    write_durably(&folder.join(MARKER), digest.as_bytes(), 0o600)
}

/// Lets `current` point at `name`; whoever looks sees the old or the new one.
pub(in crate::provision) fn switch(
    paths: &Paths,
    payload: Payload,
    name: &str,
) -> Result<(), SetupError> {
    let parent = paths.payloads().join(payload.name());
    let (link, beside) = (parent.join(CURRENT), parent.join(".current.new"));
    match fs::remove_file(&beside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(SetupError::io("remove", &beside)(e));
        }
        Ok(()) | Err(_) => {}
    }
    symlink(name, &beside).map_err(SetupError::io("create", &beside))?;
    fs::rename(&beside, &link).map_err(SetupError::io("replace", &link))?;
    sync_folder(&parent)
}

/// What `current` points at, resolved.
pub(in crate::provision) fn current(paths: &Paths, payload: Payload) -> io::Result<PathBuf> {
    paths
        .payloads()
        .join(payload.name())
        .join(CURRENT)
        .canonicalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::regular::tests::{at_once, pipe_at};

    fn paths() -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().display().to_string();
        let paths = Paths::find(|n| (n == "AI_GATEWAY_HOME").then(|| home.clone()), false).unwrap();
        (dir, paths)
    }

    #[test]
    fn a_folder_counts_only_with_its_marker_and_what_it_is_for() {
        let (_dir, paths) = paths();
        let folder = folder(&paths, Payload::Litellm, "1-a");
        begin(&folder).unwrap();
        fs::create_dir(folder.join("bin")).unwrap();
        fs::write(folder.join("bin/python"), "").unwrap();
        assert!(!is_complete(&folder, Payload::Litellm), "no marker yet");
        finish(&folder, "").unwrap();
        assert!(is_complete(&folder, Payload::Litellm));
        fs::remove_file(folder.join("bin/python")).unwrap();
        assert!(
            !is_complete(&folder, Payload::Litellm),
            "its Python is gone"
        );
    }

    #[test]
    fn beginning_again_leaves_nothing_of_before() {
        let (_dir, paths) = paths();
        let folder = folder(&paths, Payload::Engine, "1-a");
        begin(&folder).unwrap();
        fs::write(folder.join("half"), "").unwrap();
        begin(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn current_is_replaced_even_if_a_switch_was_interrupted() {
        let (_dir, paths) = paths();
        for name in ["1-a", "2-b"] {
            begin(&folder(&paths, Payload::Tools, name)).unwrap();
        }
        switch(&paths, Payload::Tools, "1-a").unwrap();
        let parent = paths.payloads().join("tools");
        symlink("nowhere", parent.join(".current.new")).unwrap();
        switch(&paths, Payload::Tools, "2-b").unwrap();
        assert_eq!(
            current(&paths, Payload::Tools).unwrap(),
            folder(&paths, Payload::Tools, "2-b")
                .canonicalize()
                .unwrap()
        );
        assert!(!parent.join(".current.new").exists());
    }

    #[test]
    fn a_pipe_in_the_place_of_a_marker_is_none() {
        let (_dir, paths) = paths();
        let folder = folder(&paths, Payload::Litellm, "1-a");
        begin(&folder).unwrap();
        fs::create_dir(folder.join("bin")).unwrap();
        fs::write(folder.join("bin/python"), "").unwrap();
        pipe_at(&folder.join(MARKER));
        let found = at_once(move || looked_at(&folder, Payload::Litellm, false));
        assert!(found.is_none());
    }
}
