//! Opens the files that people, set-up and services write: regular ones, and nothing else; what is
//! read as a whole has a bounded size.
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
    let file = open_long(path)?;
    let length = file.metadata()?.len();
    if length > SIZE_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("it has {length} bytes: more than {SIZE_MAX} are not read"),
        ));
    }
    Ok(file)
}

/// Opens a regular file of any size, which its reader goes through piece by piece or has to hold.
///
/// # Errors
/// It is none, or cannot be opened.
pub fn open_long(path: &Path) -> io::Result<File> {
    open_as(path, OpenOptions::new().read(true))
}

/// Opens an empty regular file to write, in the place of what is in it; one that is made here is its
/// owner's alone.
///
/// # Errors
/// It is none, or cannot be opened.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    open_as(path, &mut options)
}

/// Opens a regular file as these options say. Opening a pipe to write would wait for its reader.
///
/// # Errors
/// It is none, or cannot be opened.
pub fn open_as(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let file = options
        .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            // What a pipe without a reader, a socket or a device that is not there says.
            Some(nix::libc::ENXIO) => wrong(NOT_REGULAR),
            // What a folder says to a writer.
            Some(nix::libc::EISDIR) => wrong(FOLDER),
            _ => error,
        })?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(wrong(FOLDER));
    }
    if !metadata.is_file() {
        return Err(wrong(NOT_REGULAR));
    }
    Ok(file)
}

const NOT_REGULAR: &str = "it is not a regular file";
const FOLDER: &str = "it is a folder: a file is expected";

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

/// The text of a regular file of any size, for people to read: what is not UTF-8 is replaced.
///
/// # Errors
/// As [`open_long`].
pub fn long_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    open_long(path)?.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{io::Write as _, os::unix::fs::MetadataExt as _, time::Duration};

    use nix::{sys::stat::Mode, unistd::mkfifo};

    use super::*;
    use crate::runtime::within;

    /// A pipe at the place of a file, which replaces what is there.
    pub(crate) fn pipe_at(path: &Path) {
        let _none = std::fs::remove_file(path);
        mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    }

    /// What `work` comes to, which has to be there at once and not when somebody uses a pipe.
    pub(crate) fn at_once<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        within(Duration::from_secs(20), work).expect("it waits for whoever uses the pipe")
    }

    #[test]
    fn only_a_regular_file_of_a_bounded_size_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "text").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        assert_eq!(text(&at("file")).unwrap(), "text");
        assert_eq!(text(&at("link")).unwrap(), "text");
        pipe_at(&at("pipe"));
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

    #[test]
    fn only_a_regular_file_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let write = |path: &Path| open_as(path, OpenOptions::new().create(true).append(true));
        write(&at("file")).unwrap().write_all(b"a").unwrap();
        write(&at("file")).unwrap().write_all(b"b").unwrap();
        assert_eq!(text(&at("file")).unwrap(), "ab");
        pipe_at(&at("pipe"));
        let refused = |path: &Path| write(path).unwrap_err().to_string();
        assert_eq!(refused(&at("pipe")), NOT_REGULAR, "nobody reads it");
        let mut both = OpenOptions::new();
        let _reader = both.read(true).write(true).open(at("pipe")).unwrap();
        assert_eq!(refused(&at("pipe")), NOT_REGULAR, "somebody does");
        assert_eq!(refused(Path::new("/dev/null")), NOT_REGULAR);
        assert_eq!(refused(folder.path()), FOLDER, "as for a reader");
    }

    #[test]
    fn a_file_that_is_made_is_its_owners_and_says_only_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        create(&file).unwrap().write_all(b"long").unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o600);
        create(&file).unwrap().write_all(b"a").unwrap();
        assert_eq!(text(&file).unwrap(), "a");
        pipe_at(&file);
        assert_eq!(create(&file).unwrap_err().to_string(), NOT_REGULAR);
    }

    #[test]
    fn a_long_file_is_opened_where_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("long");
        File::create(&long).unwrap().set_len(50 << 20).unwrap();
        assert!(open_long(&long).is_ok());
        std::fs::write(&long, b"a\xffb").unwrap();
        assert_eq!(long_text(&long).unwrap(), "a\u{fffd}b");
        pipe_at(&long);
        assert!(open_long(&long).is_err());
    }
}
