//! Where log lines go: straight to the journal if we run as a unit of systemd, and otherwise to files of a
//! bounded size and to the terminal.
//!
//! With a journal, a service's standard output *is* the journal's stream: no byte of it passes
//! through the daemon. Only where somebody has to read along (a readiness probe that waits for a
//! line, a service that cannot say how urgent its lines are, or where there is no journal) is there
//! a pipe, and a [`Reader`] at its end.

mod daemon;
mod file;
pub mod messages;
mod reader;
mod severity;
mod terminal;

use std::{
    fs, io,
    os::fd::OwnedFd,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use supervise::spec::ServiceName;
use sys::journal::{JournalError, Priority, Stream};

pub use daemon::init;
pub use file::LogFile;
pub use reader::{Reader, Sink};
#[cfg(test)]
pub(crate) use severity::assert_marks;
pub use severity::{Dialect, Severity};
pub use terminal::prefix;

/// The journal's socket for streams (systemd, `journald-stream.c`).
pub const JOURNAL_STREAM_SOCKET: &str = "/run/systemd/journal/stdout";

/// The name of the daemon's own log.
pub const DAEMON: &str = "ai-gateway";

/// Where the lines of this daemon and of its services go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Lines go to the journal, by this socket.
    Journal(PathBuf),
    /// Lines go to a file for each service in this folder, and to the terminal if there is one.
    Files {
        /// The folder.
        folder: PathBuf,
        /// Whether somebody looks on at a terminal.
        terminal: bool,
    },
}

impl Output {
    /// Chooses the journal if our own standard error is connected to it, which is how systemd says that our
    /// lines belong there (systemd.exec(5), `$JOURNAL_STREAM`), and otherwise files.
    pub fn find(journal_stream: Option<&str>, files: &Path, terminal: bool) -> Self {
        let ours = fs::metadata("/proc/self/fd/2").map(|meta| (meta.dev(), meta.ino()));
        match (journal_stream.and_then(device_and_inode), ours) {
            (Some(stream), Ok(ours)) if stream == ours => {
                Self::Journal(JOURNAL_STREAM_SOCKET.into())
            }
            _ => Self::Files {
                folder: files.to_owned(),
                terminal,
            },
        }
    }

    /// A descriptor to which a service writes directly. `None` if its lines have to come through a pipe.
    ///
    /// # Errors
    /// There is a journal, and it does not listen.
    pub fn stream(&self, service: &ServiceName) -> Result<Option<OwnedFd>, JournalError> {
        match self {
            Self::Journal(socket) => {
                let stream = Stream {
                    identifier: service.as_str(),
                    unit: None,
                    priority: Priority::Info,
                    level_prefix: true,
                    forward_syslog: false,
                    forward_kmsg: false,
                    forward_console: false,
                };
                stream.open(socket).map(Some)
            }
            Self::Files { .. } => Ok(None),
        }
    }

    /// The destination of the lines of a service that come through a pipe.
    ///
    /// # Errors
    /// The journal does not listen, or the file cannot be opened.
    pub fn sink(&self, service: &ServiceName, dialect: Option<Dialect>) -> io::Result<Sink> {
        match self {
            Self::Journal(_) => match self.stream(service) {
                Ok(Some(stream)) => Sink::journal(stream, dialect),
                Ok(None) => Err(io::ErrorKind::NotFound.into()),
                Err(error) => Err(io::Error::other(error)),
            },
            Self::Files { folder, terminal } => Ok(Sink::File {
                file: LogFile::open(folder, service.as_str())?,
                terminal: terminal.then(|| service.clone()),
            }),
        }
    }
}

/// Reads `$JOURNAL_STREAM`: a device and an inode in decimal, with a colon between them.
fn device_and_inode(text: &str) -> Option<(u64, u64)> {
    let (device, inode) = text.split_once(':')?;
    Some((device.parse().ok()?, inode.parse().ok()?))
}

#[cfg(test)]
mod tests;
