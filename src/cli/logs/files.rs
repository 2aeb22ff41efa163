//! The gateway's own log files: `NAME.log`, and `NAME.log.1` with the older lines. Each line begins with
//! its time in RFC 3339 and a blank.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use super::entry::Entry;
use crate::{
    cli::failure::{CommandExit, Failure},
    fs::regular,
};

/// How much is read at once, from the end of the file towards its beginning.
const CHUNK: u64 = 64 << 10;

/// The names of the logs in the folder.
pub(super) fn names(folder: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            Some(name.strip_suffix(".log")?.to_owned())
        })
        .collect()
}

/// Opens all logs, or only the one of this name.
///
/// # Errors
/// A log exists and cannot be read.
pub(super) fn open(folder: &Path, only: Option<&str>) -> Result<Vec<Log>, Failure> {
    let wanted = |name: &String| only.is_none_or(|only| only == name);
    let names = names(folder).into_iter().filter(wanted);
    let logs = names.map(|name| Log::open(folder, &name));
    logs.filter_map(Result::transpose).collect()
}

/// One log as it was when it was opened.
#[derive(Debug)]
pub(super) struct Log {
    /// The name of the log.
    pub(super) name: String,
    /// The file that was written to at that time. It may have been rotated since.
    pub(super) file: File,
    /// Its length at that time.
    pub(super) end: u64,
}

impl Log {
    /// Opens the log of this name. `None` if there is none, or not any more.
    ///
    /// # Errors
    /// It exists and cannot be read.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Option<Self>, Failure> {
        Self::at(&path(folder, name), name)
    }

    fn at(path: &Path, name: &str) -> Result<Option<Self>, Failure> {
        let opened = regular::open_long(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((end, file)) => Ok(Some(Self {
                name: name.to_owned(),
                file,
                end,
            })),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unreadable(path, &e)),
        }
    }

    fn tail(&mut self, count: usize) -> io::Result<Vec<Entry>> {
        let mut entries = parse(&tail_bytes(&mut self.file, self.end, count)?, &self.name);
        Ok(entries.split_off(entries.len().saturating_sub(count)))
    }
}

/// The file that is written to.
pub(super) fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.log"))
}

/// The last `count` lines of these logs together, the oldest first.
///
/// # Errors
/// A file cannot be read.
pub(super) fn last(folder: &Path, logs: &mut [Log], count: usize) -> Result<Vec<Entry>, Failure> {
    let mut all = Vec::new();
    for log in logs {
        let newest = path(folder, &log.name);
        let mut entries = log.tail(count).map_err(|e| unreadable(&newest, &e))?;
        let before = newest.with_extension("log.1");
        if entries.len() < count
            && let Some(mut older) = Log::at(&before, &log.name)?
        {
            let older = older.tail(count - entries.len());
            let mut older = older.map_err(|e| unreadable(&before, &e))?;
            older.append(&mut entries);
            entries = older;
        }
        all.append(&mut entries);
    }
    Ok(newest(all, count))
}

/// The last `count` lines in the order of time. Lines with the same time stay in the order of their file.
fn newest(mut entries: Vec<Entry>, count: usize) -> Vec<Entry> {
    entries.sort_by(|a, b| a.time.cmp(&b.time));
    entries.split_off(entries.len().saturating_sub(count))
}

/// The file cannot be read, and why.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::PermissionDenied => CommandExit::NotPermitted,
        _ => CommandExit::Failed,
    };
    Failure::new(exit, format!("cannot read {}", path.display())).cause(error.to_string())
}

/// The text before `end`, with at least `count` complete lines if there are so many.
fn tail_bytes(file: &mut File, end: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut from = end;
    let mut bytes = Vec::new();
    while from > 0 && line_ends(&bytes) <= count {
        let length = CHUNK.min(from);
        from -= length;
        file.seek(SeekFrom::Start(from))?;
        let mut chunk = Vec::new();
        io::Read::by_ref(file)
            .take(length)
            .read_to_end(&mut chunk)?;
        chunk.append(&mut bytes);
        bytes = chunk;
    }
    if from > 0 {
        // The first line of this part has lost its beginning.
        let first = bytes
            .iter()
            .position(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        bytes.drain(..first);
    }
    Ok(bytes)
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b == b'\n').count()
}

/// Splits a text into lines. A line without a time, which a full disk may leave, gets the time of the line
/// before it.
pub(super) fn parse(bytes: &[u8], name: &str) -> Vec<Entry> {
    let text = String::from_utf8_lossy(bytes);
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        let (time, message) = match line.split_once(' ') {
            Some((time, message)) if is_time(time) => (time.to_owned(), message),
            Some(_) | None => (
                entries
                    .last()
                    .map_or_else(String::new, |entry| entry.time.clone()),
                line,
            ),
        };
        entries.push(Entry {
            time,
            service: name.to_owned(),
            message: message.to_owned(),
        });
    }
    entries
}

fn is_time(text: &str) -> bool {
    text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T')
}
