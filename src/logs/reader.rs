//! Reads the lines of a service from a pipe and hands them on.

use std::{
    io::{self, Write},
    os::fd::OwnedFd,
    sync::Arc,
};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use supervise::spec::ServiceName;
use tokio::{
    io::AsyncWriteExt,
    net::{UnixStream, unix::pipe},
    sync::{Mutex, oneshot},
    task::yield_now,
};

use super::{
    file::LogFile,
    severity::{Dialect, Severity},
    terminal::prefix,
};

/// The length at which a line is cut, in bytes.
const LINE_MAX: usize = 64 << 10;

/// How many bytes are read at once: as many as a pipe holds.
const READ_MAX: usize = 64 << 10;

/// Where the lines of one service go.
#[derive(Debug)]
pub enum Sink {
    /// The lines go to a stream of the journal.
    Journal {
        /// The stream.
        stream: UnixStream,
        /// What tells how urgent a line is. `None` if the lines say so themselves.
        severity: Option<Severity>,
    },
    /// The lines go to a file, and to the terminal under this name.
    File {
        /// The file.
        file: LogFile,
        /// The name on the terminal. `None` if nobody looks on.
        terminal: Option<ServiceName>,
    },
}

impl Sink {
    /// Makes a destination of this stream of the journal.
    ///
    /// # Errors
    /// The descriptor is not a socket.
    pub(super) fn journal(stream: OwnedFd, dialect: Option<Dialect>) -> io::Result<Self> {
        let stream = std::os::unix::net::UnixStream::from(stream);
        stream.set_nonblocking(true)?;
        Ok(Self::Journal {
            stream: UnixStream::from_std(stream)?,
            severity: dialect.map(Severity::new),
        })
    }

    /// Writes lines, each of which ends with a line break.
    async fn lines(&mut self, lines: &[u8]) {
        match self {
            Self::Journal { stream, severity } => {
                let marked = severity.as_mut().map(|severity| severity.mark(lines));
                // A journal that went away loses lines, and must not take the service with it.
                let _lost = stream.write_all(marked.as_deref().unwrap_or(lines)).await;
            }
            Self::File { file, terminal } => {
                file.lines(lines);
                if let Some(name) = terminal {
                    let prefix = prefix(name.as_str());
                    let mut terminal = anstream::stdout().lock();
                    for line in String::from_utf8_lossy(lines).lines() {
                        let _gone = writeln!(terminal, "{prefix}{line}");
                    }
                }
            }
        }
    }
}

/// The daemon's end of a service's pipe.
#[derive(Debug)]
pub struct Reader {
    pipe: pipe::Receiver,
    /// The beginning of a line whose end has not arrived yet.
    begun: Vec<u8>,
    /// The destination. It is shared with the reader of the previous instance, which may have lines left.
    sink: Arc<Mutex<Sink>>,
    waiting: Option<(String, oneshot::Sender<()>)>,
}

impl Reader {
    /// Makes a pipe: its reader, and the end for the service.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub fn pipe(sink: Arc<Mutex<Sink>>) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;

        fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let reader = Self {
            pipe: pipe::Receiver::from_owned_fd(ours)?,
            begun: Vec::new(),
            sink,
            waiting: None,
        };
        Ok((reader, theirs))
    }

    /// Returns a receiver that resolves when a line contains this text. It fails if the pipe ends before
    /// that.
    pub fn wait_for(&mut self, text: &str) -> oneshot::Receiver<()> {
        let (found, receiver) = oneshot::channel();
        self.waiting = Some((text.to_owned(), found));
        receiver
    }

    /// Hands on every line until nobody holds the other end of the pipe.
    pub async fn run(mut self) {
        while let Ok(Some(lines)) = self.next().await {
            if !lines.is_empty() {
                self.sink.lock().await.lines(&lines).await;
            }
            // Services that write without end take turns, with the daemon's own work as well.
            yield_now().await;
        }
        if !self.begun.is_empty() {
            let mut lines = Vec::new();
            self.end_line(&mut lines);
            self.sink.lock().await.lines(&lines).await;
        }
    }

    /// The lines that are complete by now. `None` if nothing more will come.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.pipe.readable().await?;
        // Only for as long as there is something to read: most services are silent most of the
        // time, and there may be many.
        let mut bytes = Vec::with_capacity(READ_MAX);
        match self.pipe.try_read_buf(&mut bytes) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(self.take(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Some(Vec::new())),
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut lines = Vec::with_capacity(self.begun.len() + bytes.len() + 1);
        while !bytes.is_empty() {
            let end = bytes.iter().position(|&byte| byte == b'\n');
            let part = end.unwrap_or(bytes.len()).min(LINE_MAX - self.begun.len());
            self.begun.extend_from_slice(&bytes[..part]);
            let whole = end == Some(part);
            bytes = &bytes[part + usize::from(whole)..];
            if whole || self.begun.len() == LINE_MAX {
                self.end_line(&mut lines);
            }
        }
        self.begun.shrink_to(0);
        lines
    }

    /// Adds the line that was begun before and is complete now.
    fn end_line(&mut self, lines: &mut Vec<u8>) {
        if self.begun.last() == Some(&b'\r') {
            self.begun.pop();
        }
        let line = std::mem::take(&mut self.begun);
        self.look(&line);
        lines.extend_from_slice(&line);
        lines.push(b'\n');
        self.begun = line;
        self.begun.clear();
    }

    fn look(&mut self, line: &[u8]) {
        let Some((text, _)) = &self.waiting else {
            return;
        };
        if String::from_utf8_lossy(line).contains(text.as_str())
            && let Some((_, found)) = self.waiting.take()
        {
            // Nobody waits any more when the service was stopped meanwhile.
            let _nobody = found.send(());
        }
    }
}
