//! Reads the files that people and set-up write: regular ones of a bounded size, and nothing else.
//!
//! A name may stand for a pipe that nobody writes to, a device or a folder: opening or reading one
//! would block for ever or never end. So the file is opened without blocking, and looked at before it
//! is read. A file system that does not answer blocks all the same: who must not wait reads in a
//! thread.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// The most that is read of a file. The longest that is ours, a lock with all its hashes, has a tenth
/// of it.
pub const SIZE_MAX: u64 = 4 << 20;

/// Opens a regular file of a bounded size.
///
/// # Errors
/// It is none, or cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY)
        .open(path)?;
    let metadata = file.metadata()?;
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    if metadata.is_dir() {
        return Err(wrong("it is a folder: a file is expected".to_owned()));
    }
    if !metadata.is_file() {
        return Err(wrong("it is not a regular file".to_owned()));
    }
    if metadata.len() > SIZE_MAX {
        return Err(wrong(format!(
            "it has {} bytes: more than {SIZE_MAX} are not read",
            metadata.len()
        )));
    }
    Ok(file)
}

/// The bytes of such a file.
///
/// # Errors
/// As [`open`].
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // It may grow while it is read.
    open(path)?.take(SIZE_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of such a file.
///
/// # Errors
/// As [`open`], or it is not UTF-8.
pub fn text(path: &Path) -> io::Result<String> {
    String::from_utf8(bytes(path)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use nix::{sys::stat::Mode, unistd::mkfifo};

    use super::*;

    #[test]
    fn only_a_regular_file_of_a_bounded_size_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "text").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        assert_eq!(text(&at("file")).unwrap(), "text");
        assert_eq!(text(&at("link")).unwrap(), "text");
        mkfifo(&at("pipe"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        File::create(at("long")).unwrap().set_len(50 << 20).unwrap();
        std::fs::write(at("binary"), [0xff]).unwrap();
        let refused = |path: &Path| text(path).unwrap_err().to_string();
        assert_eq!(refused(&at("pipe")), "it is not a regular file");
        assert_eq!(refused(Path::new("/dev/zero")), "it is not a regular file");
        assert_eq!(refused(folder.path()), "it is a folder: a file is expected");
        assert!(refused(&at("long")).starts_with("it has 52428800 bytes"));
        assert_eq!(refused(&at("binary")), "it is not UTF-8 text");
        let missing = text(&at("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
