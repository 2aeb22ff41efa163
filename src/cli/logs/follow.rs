//! New lines as they come: the kernel says when a file in the folder has grown.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom},
    mem,
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::Path,
};

use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};

use super::{
    entry::{Entry, Printer},
    files::{self, Log, parse, path, unreadable},
};
use crate::cli::{
    failure::{CommandExit, Failure},
    wait::readable_and_read,
};

/// Prints the last `count` lines and then every new line, until the reader has gone away.
///
/// # Errors
/// The folder cannot be watched, or a file cannot be read.
pub(super) fn run(
    folder: &Path,
    only: Option<&str>,
    count: usize,
    printer: &Printer,
) -> Result<(), Failure> {
    let news = watch(folder).map_err(|errno| {
        Failure::new(
            CommandExit::Failed,
            format!("cannot watch {}", folder.display()),
        )
        .cause(errno.desc())
    })?;
    // This comes after the watch has begun, so that no line is missed in between.
    let mut logs = files::open(folder, only)?;
    printer.print(&files::last(folder, &mut logs, count)?)?;
    let mut followed: Vec<Followed> = logs.into_iter().map(Followed::new).collect();
    loop {
        printer.print(&grown(folder, only, &mut followed)?)?;
        if !readable_and_read(news.as_fd())? {
            return Err(Failure::BrokenPipe);
        }
        match news.read_events() {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => {
                return Err(
                    Failure::new(CommandExit::Failed, "cannot wait for lines").cause(errno.desc())
                );
            }
        }
    }
}

fn watch(folder: &Path) -> nix::Result<Inotify> {
    let news = Inotify::init(InitFlags::IN_CLOEXEC)?;
    let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
    news.add_watch(folder, flags)?;
    Ok(news)
}

/// A log file, and how far it was read.
#[derive(Debug)]
struct Followed {
    log: Log,
    /// The beginning of a line whose end has not been written yet.
    begun: Vec<u8>,
}

impl Followed {
    const fn new(log: Log) -> Self {
        Self {
            log,
            begun: Vec::new(),
        }
    }

    /// The whole lines that were added since the last time.
    fn read(&mut self) -> io::Result<Vec<Entry>> {
        let Log { name, file, end } = &mut self.log;
        file.seek(SeekFrom::Start(*end))?;
        let length = file.read_to_end(&mut self.begun)?;
        *end += length as u64;
        let whole = self
            .begun
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let rest = self.begun.split_off(whole);
        Ok(parse(&mem::replace(&mut self.begun, rest), name))
    }

    /// Whether the file was rotated: another file has its name.
    fn was_put_aside(&self, path: &Path) -> bool {
        let inode = |meta: io::Result<fs::Metadata>| meta.map(|meta| meta.ino()).ok();
        let here = inode(fs::metadata(path));
        here.is_some() && here != inode(self.log.file.metadata())
    }
}

/// All new lines, in the order of time.
fn grown(
    folder: &Path,
    only: Option<&str>,
    followed: &mut Vec<Followed>,
) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    for name in files::names(folder) {
        let known = followed.iter().any(|followed| followed.log.name == name);
        if known || only.is_some_and(|only| only != name) {
            continue;
        }
        if let Some(log) = Log::open(folder, &name)? {
            followed.push(Followed::new(Log { end: 0, ..log }));
        }
    }
    for log in followed {
        let path = path(folder, &log.log.name);
        let failed = |e: io::Error| unreadable(&path, &e);
        let put_aside = log.was_put_aside(&path);
        // This is asked before the file is read: a file that was rotated has got its last line by then.
        entries.append(&mut log.read().map_err(failed)?);
        if put_aside && let Some(new) = Log::open(folder, &log.log.name)? {
            *log = Followed::new(Log { end: 0, ..new });
            entries.append(&mut log.read().map_err(failed)?);
        }
    }
    entries.sort_by(|a, b| a.time.cmp(&b.time));
    Ok(entries)
}
