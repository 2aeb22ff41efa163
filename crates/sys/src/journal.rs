//! A standard output that is the journal itself: no line passes through the supervisor.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::sys::socket::{setsockopt, sockopt::SndBuf};

/// The syslog level of lines that do not say one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are those of syslog(3)")]
pub enum Priority {
    Emergency,
    Alert,
    Critical,
    Error,
    Warning,
    Notice,
    Info,
    Debug,
}

/// What the journal is told of a stream before its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream<'a> {
    /// The `SYSLOG_IDENTIFIER` of each line.
    pub identifier: &'a str,
    /// The unit that the lines belong to; the journal believes only root, and finds the unit of
    /// others by their cgroup.
    pub unit: Option<&'a str>,
    /// The level of lines without a prefix.
    pub priority: Priority,
    /// Whether a line may begin with its level, as in `<3>`.
    pub level_prefix: bool,
    /// Whether lines go to syslog too.
    pub forward_syslog: bool,
    /// Whether lines go to the kernel's log too.
    pub forward_kmsg: bool,
    /// Whether lines go to the console too.
    pub forward_console: bool,
}

/// A stream that was not opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// An identifier or unit with a line break would be read as the fields that follow it.
    #[error("line break in the {field} of a journal stream")]
    LineBreak {
        /// Which field.
        field: &'static str,
    },
    /// There is no journal, or it does not listen.
    #[error("cannot open a journal stream at {}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

impl Stream<'_> {
    /// Opens a stream at the journal's socket, usually `/run/systemd/journal/stdout`.
    ///
    /// # Errors
    /// Where a field has a line break, or nobody listens at the socket.
    pub fn open(&self, socket: &Path) -> Result<OwnedFd, JournalError> {
        let header = self.header()?;
        let failed = |source| JournalError::Io {
            path: socket.to_owned(),
            source,
        };
        connect(socket, &header).map(OwnedFd::from).map_err(failed)
    }

    fn header(&self) -> Result<String, JournalError> {
        let unit = self.unit.unwrap_or_default();
        for (field, text) in [("identifier", self.identifier), ("unit", unit)] {
            if text.contains(['\n', '\0']) {
                return Err(JournalError::LineBreak { field });
            }
        }
        let mut header = format!("{}\n{unit}\n{}\n", self.identifier, self.priority as u8);
        let forward = [self.forward_syslog, self.forward_kmsg, self.forward_console];
        for flag in [self.level_prefix].into_iter().chain(forward) {
            // Writing to a string cannot fail.
            let _written = writeln!(header, "{}", u8::from(flag));
        }
        Ok(header)
    }
}

fn connect(socket: &Path, header: &str) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    stream.shutdown(Shutdown::Read)?;
    // Room for a burst while the journal is busy, as systemd gives its own services; the kernel
    // cuts it to what we may have, and a stream with less works too.
    let _enlarged = setsockopt(&stream, SndBuf, &SEND_BUFFER);
    stream.write_all(header.as_bytes())?;
    Ok(stream)
}

const SEND_BUFFER: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixListener;

    use super::*;

    const STREAM: Stream<'_> = Stream {
        identifier: "postgres",
        unit: Some("ai-gateway.service"),
        priority: Priority::Info,
        level_prefix: true,
        forward_syslog: false,
        forward_kmsg: false,
        forward_console: true,
    };

    #[test]
    fn the_header_comes_before_the_lines() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("stdout");
        let listener = UnixListener::bind(&socket).unwrap();
        let mut stream = std::fs::File::from(STREAM.open(&socket).unwrap());
        stream.write_all(b"ready\n").unwrap();
        drop(stream);
        let mut heard = String::new();
        listener
            .accept()
            .unwrap()
            .0
            .read_to_string(&mut heard)
            .unwrap();
        assert_eq!(
            heard,
            "postgres\nai-gateway.service\n6\n1\n0\n0\n1\nready\n"
        );
    }

    #[test]
    fn no_unit_is_an_empty_line() {
        let header = Stream {
            unit: None,
            ..STREAM
        }
        .header()
        .unwrap();
        assert_eq!(header, "postgres\n\n6\n1\n0\n0\n1\n");
    }

    #[test]
    fn a_line_break_cannot_forge_a_field() {
        let error = Stream {
            identifier: "a\nb",
            ..STREAM
        }
        .header()
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "line break in the identifier of a journal stream"
        );
    }

    #[test]
    fn no_journal_is_an_error_that_names_the_socket() {
        let error = STREAM.open(Path::new("/nonexistent/stdout")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot open a journal stream at /nonexistent/stdout"
        );
    }
}
