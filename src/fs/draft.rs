//! A file that is written beside its place and then put there: whoever reads the place sees the old file
//! or the new one, and a program that is ended, or a disk that is full, leaves the old one.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::entry::stands_for;

/// What a file is to survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survives {
    /// The end of the program. For what is worthless after a crash of the machine.
    TheProgram,
    /// A loss of power: file and folder are on the disk before anybody is told.
    ALossOfPower,
}

/// Why a file is as it was.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct DraftError {
    /// What was tried.
    pub action: &'static str,
    /// On which file or folder.
    pub path: PathBuf,
    /// What the file system said.
    #[source]
    pub source: io::Error,
}

/// The new file, until it is put in its place. Dropped before, it leaves nothing.
#[derive(Debug)]
pub struct Draft {
    /// To be written.
    pub file: File,
    beside: PathBuf,
    place: PathBuf,
    gone: bool,
}

impl Draft {
    /// Begins one for `place`, of this mode (but for what the umask takes away), in a folder that is there.
    /// What an earlier one has left beside the place is removed, so that no name there is followed. Only for
    /// places that one program writes at a time.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(place: &Path, mode: u32) -> Result<Self, DraftError> {
        Self::named(place, ".new", mode)
    }

    /// The same for a place that several programs may write at once: each has a draft of its own, and the
    /// last one that puts it wins.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn of_many(place: &Path, mode: u32) -> Result<Self, DraftError> {
        Self::named(place, &format!(".{}.new", std::process::id()), mode)
    }

    fn named(place: &Path, ending: &str, mode: u32) -> Result<Self, DraftError> {
        let mut name = OsString::from(".");
        name.push(place.file_name().unwrap_or_default());
        name.push(ending);
        let beside = place.with_file_name(name);
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error_of("remove", &beside)(error));
            }
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        let file = options.open(&beside).map_err(error_of("create", &beside))?;
        Ok(Self {
            file,
            beside,
            place: place.to_owned(),
            gone: false,
        })
    }

    /// Adds to it.
    ///
    /// # Errors
    /// The disk is full, or cannot be written.
    pub fn write(&mut self, contents: &[u8]) -> Result<(), DraftError> {
        let written = self.file.write_all(contents);
        written.map_err(error_of("write", &self.beside))
    }

    /// Puts it in its place, whatever was there.
    ///
    /// # Errors
    /// The place is as it was, unless only its folder could not be flushed.
    pub fn put(mut self, survives: Survives) -> Result<(), DraftError> {
        self.flush(survives)?;
        self.is_still_beside()?;
        fs::rename(&self.beside, &self.place).map_err(error_of("replace", &self.place))?;
        self.gone = true;
        self.flush_folder(survives)
    }

    /// Puts it in its place if nothing is there. False: somebody else was first, and theirs stays.
    ///
    /// # Errors
    /// As [`Draft::put`].
    pub fn put_if_missing(self, survives: Survives) -> Result<bool, DraftError> {
        self.flush(survives)?;
        self.is_still_beside()?;
        let put = match fs::hard_link(&self.beside, &self.place) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error_of("create", &self.place)(error)),
        };
        self.flush_folder(survives)?;
        Ok(put)
    }

    /// Refuses to put what another program writes under the same name, which may be half of a file.
    fn is_still_beside(&self) -> Result<(), DraftError> {
        let replace = |source| error_of("replace", &self.place)(source);
        if stands_for(&self.beside, &self.file).map_err(replace)? {
            return Ok(());
        }
        let what = "another program writes it at the same time";
        Err(replace(io::Error::other(what)))
    }

    fn flush(&self, survives: Survives) -> Result<(), DraftError> {
        match survives {
            Survives::TheProgram => Ok(()),
            Survives::ALossOfPower => {
                let flushed = self.file.sync_all();
                flushed.map_err(error_of("write", &self.beside))
            }
        }
    }

    fn flush_folder(&self, survives: Survives) -> Result<(), DraftError> {
        match survives {
            Survives::TheProgram => Ok(()),
            Survives::ALossOfPower => flush_folder(folder_of(&self.place)),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What another program has under this name since is its own.
        if !self.gone && stands_for(&self.beside, &self.file).unwrap_or(false) {
            // What failed is what counts; a draft that is left over harms nobody.
            let _left = fs::remove_file(&self.beside);
        }
    }
}

/// Replaces a file by one of these contents and this mode.
///
/// # Errors
/// As [`Draft::put`].
pub fn replace(
    place: &Path,
    contents: &[u8],
    mode: u32,
    survives: Survives,
) -> Result<(), DraftError> {
    let mut draft = Draft::new(place, mode)?;
    draft.write(contents)?;
    draft.put(survives)
}

/// Makes the names in a folder survive a loss of power.
///
/// # Errors
/// The disk says no.
pub fn flush_folder(folder: &Path) -> Result<(), DraftError> {
    let flushed = File::open(folder).and_then(|folder| folder.sync_all());
    flushed.map_err(error_of("flush", folder))
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    let parent = path.parent().unwrap_or(Path::new("/"));
    if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    }
}

fn error_of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DraftError {
    move |source| DraftError {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;
    use crate::fs::regular::tests::{at_once, pipe_at};

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("file");
        (folder, place)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries.map(|e| name(e).into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
        let (folder, place) = place();
        for survives in [Survives::TheProgram, Survives::ALossOfPower] {
            for contents in ["a long text", "short"] {
                replace(&place, contents.as_bytes(), 0o600, survives).unwrap();
                assert_eq!(fs::read_to_string(&place).unwrap(), contents);
            }
        }
        assert_eq!(place.metadata().unwrap().mode() & 0o7777, 0o600);
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn one_that_is_not_put_leaves_what_was() {
        let (folder, place) = place();
        fs::write(&place, "old").unwrap();
        let mut draft = Draft::new(&place, 0o600).unwrap();
        draft.write(b"new").unwrap();
        drop(draft);
        assert_eq!(fs::read_to_string(&place).unwrap(), "old");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn nothing_that_lies_beside_is_followed_or_waited_for() {
        let (folder, place) = place();
        let (beside, other) = (folder.path().join(".file.new"), folder.path().join("other"));
        fs::write(&other, "theirs").unwrap();
        symlink(&other, &beside).unwrap();
        replace(&place, b"ours", 0o600, Survives::TheProgram).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        pipe_at(&beside);
        let at = place.clone();
        at_once(move || replace(&at, b"again", 0o600, Survives::TheProgram)).unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "again");
        fs::create_dir(&beside).unwrap();
        let error = replace(&place, b"x", 0o600, Survives::TheProgram).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot remove {}", beside.display())
        );
    }

    #[test]
    fn what_another_program_writes_at_the_same_time_is_neither_removed_nor_put() {
        let (folder, place) = place();
        let first = Draft::new(&place, 0o600).unwrap();
        let mut second = Draft::new(&place, 0o600).unwrap();
        second.write(b"half").unwrap();
        let error = first.put(Survives::TheProgram).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "another program writes it at the same time");
        assert!(!place.exists());
        second.write(b" and whole").unwrap();
        second.put(Survives::TheProgram).unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "half and whole");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn who_is_first_stays() {
        let (folder, place) = place();
        let make = |contents: &[u8]| {
            let mut draft = Draft::new(&place, 0o600).unwrap();
            draft.write(contents).unwrap();
            draft.put_if_missing(Survives::ALossOfPower).unwrap()
        };
        assert!(make(b"one"));
        assert!(!make(b"other"));
        assert_eq!(fs::read_to_string(&place).unwrap(), "one");
        assert_eq!(names(folder.path()), ["file"]);
    }
}
