//! A log file that never grows beyond its bound.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::{clock, fs::regular};

/// When a file is this long, in bytes, it is put aside. A service has one file and the one that was put aside
/// before, so it takes at most twice this.
const SIZE_MAX: u64 = 8 << 20;

/// A log in two files: `NAME.log`, and `NAME.log.1` with what was before. Each line begins with its time in
/// RFC 3339 and a space.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    size_max: u64,
    /// The number of lines that could not be written since the last line that was written.
    lost: u64,
}

impl LogFile {
    /// Opens the log of this name and goes on where it ends. The folder is made if it is missing.
    ///
    /// # Errors
    /// The file system refuses it.
    pub fn open(folder: &Path, name: &str) -> io::Result<Self> {
        Self::with_size(folder, name, SIZE_MAX)
    }

    pub(super) fn with_size(folder: &Path, name: &str, size_max: u64) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let path = folder.join(format!("{name}.log"));
        let file = append(&path)?;
        Ok(Self {
            size: file.metadata()?.len(),
            path,
            file,
            size_max,
            lost: 0,
        })
    }

    /// Writes lines, each of which ends with a line break, together with the current time. Lines that cannot
    /// be written (because a disk is full) are counted, and the count is the first thing that is written when
    /// that is possible again.
    pub fn lines(&mut self, text: &[u8]) {
        let now = humantime::format_rfc3339_micros(clock::wall()).to_string();
        let mut stamped = Vec::with_capacity(text.len() * 2);
        if self.lost > 0 {
            stamped.extend_from_slice(
                format!("{now} ({} lines were lost here)\n", self.lost).as_bytes(),
            );
        }
        let mut count = 0;
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            stamped.extend_from_slice(now.as_bytes());
            stamped.push(b' ');
            stamped.extend_from_slice(line);
            count += 1;
        }
        match self.write(&stamped) {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost += count,
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let length = lines.len() as u64;
        if self.size > 0 && self.size + length > self.size_max {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            fs::rename(&self.path, aside)?;
            self.file = append(&self.path)?;
            self.size = 0;
        }
        // In one call, so that a reader never sees half a line.
        self.file.write_all(lines)?;
        self.size += length;
        Ok(())
    }
}

#[cfg(test)]
impl LogFile {
    /// Goes on in another file, or in a file that stands for a full disk.
    pub(super) fn write_to(&mut self, path: impl AsRef<Path>) {
        let file = OpenOptions::new().create(true).append(true).open(path);
        self.file = file.expect("the test's file opens");
    }
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    regular::open_as(path, &mut options)
}
