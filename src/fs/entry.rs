//! A name in a folder, together with the file that it stood for when somebody looked.
//!
//! A name can be given to another file at any time: another gateway binds its socket there, a program writes
//! its file anew. Whoever removes a name because of what it once was looks again before that. There are no
//! states: an [`Entry`] is made by a look and compared with a second one. Everybody may use it.
//!
//! The file is held open by the entry, so that the kernel cannot give its inode number to another file in
//! between: file systems use the number of a deleted file again at once.

use std::{
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt as _,
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{OFlag, open},
    sys::stat::{Mode, SFlag, fstat},
};

/// What a name stood for.
#[derive(Debug)]
pub struct Entry {
    path: PathBuf,
    file: OwnedFd,
}

impl Entry {
    /// What the name stands for now. Nothing is followed, opened to read or waited for, so it may be a socket,
    /// a pipe or a symbolic link.
    ///
    /// # Errors
    /// There is no such name, or the folder cannot be searched.
    pub fn of(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(Self {
            path: path.to_owned(),
            file: open(path, flags, Mode::empty())?,
        })
    }

    /// The same; none where there is no such name.
    ///
    /// # Errors
    /// The folder cannot be searched.
    pub fn find(path: &Path) -> io::Result<Option<Self>> {
        match Self::of(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }

    /// Whether it is a socket.
    ///
    /// # Errors
    /// The file system does not answer.
    pub fn is_socket(&self) -> io::Result<bool> {
        let kind = SFlag::from_bits_truncate(fstat(&self.file)?.st_mode) & SFlag::S_IFMT;
        Ok(kind == SFlag::S_IFSOCK)
    }

    /// Whether the name still stands for the same file.
    ///
    /// # Errors
    /// The folder cannot be searched.
    pub fn is_current(&self) -> io::Result<bool> {
        stands_for(&self.path, &self.file)
    }

    /// Removes the name if it still stands for the same file. False: it does not, and nothing was removed.
    ///
    /// The kernel has no call that compares and removes in one step, so a moment of microseconds is left.
    ///
    /// # Errors
    /// The folder cannot be searched, or the name not be removed.
    pub fn remove(self) -> io::Result<bool> {
        if !self.is_current()? {
            return Ok(false);
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true),
        }
    }
}

/// Whether a name stands for this open file.
///
/// # Errors
/// The folder cannot be searched.
pub fn stands_for(path: &Path, file: impl AsFd) -> io::Result<bool> {
    let now = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let then = fstat(file)?;
    Ok((now.dev(), now.ino()) == (then.st_dev, then.st_ino))
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    #[test]
    fn what_was_looked_at_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("name");
        let _listener = UnixListener::bind(&path).unwrap();
        let entry = Entry::of(&path).unwrap();
        assert!(entry.is_socket().unwrap());
        assert!(entry.is_current().unwrap());
        assert!(entry.remove().unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn what_has_taken_the_name_since_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("name");
        for _ in 0..20 {
            fs::write(&path, "first").unwrap();
            let entry = Entry::of(&path).unwrap();
            assert!(!entry.is_socket().unwrap());
            // A file system may want to use the number of the first file for the second.
            fs::remove_file(&path).unwrap();
            fs::write(&path, "second").unwrap();
            assert!(!entry.is_current().unwrap());
            assert!(!entry.remove().unwrap());
            assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        }
    }

    #[test]
    fn a_link_is_not_followed_and_a_name_that_is_gone_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("name"), folder.path().join("target"));
        assert!(Entry::find(&path).unwrap().is_none());
        fs::write(&target, "").unwrap();
        symlink(&target, &path).unwrap();
        let (one, two) = (Entry::of(&path).unwrap(), Entry::of(&path).unwrap());
        assert!(one.remove().unwrap());
        assert!(target.exists());
        assert!(!two.remove().unwrap());
    }
}
