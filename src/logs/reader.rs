//! Reads the lines of a service from a pipe and hands them on.

use std::{
    io::{self, Write},
    os::fd::OwnedFd,
    sync::Arc,
};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use supervise::spec::ServiceName;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixStream, unix::pipe},
    sync::{Mutex, oneshot},
};

use super::{file::LogFile, terminal::prefix};

/// A line that is longer is cut.
const LINE_MAX: usize = 64 << 10;

/// Where the lines of one service go.
#[derive(Debug)]
pub enum Sink {
    /// To a stream of the journal.
    Journal(UnixStream),
    /// To a file, and to the terminal under this name.
    File {
        /// The file.
        file: LogFile,
        /// The name on the terminal; none: nobody looks on.
        terminal: Option<ServiceName>,
    },
}

impl Sink {
    /// To this stream of the journal.
    ///
    /// # Errors
    /// The descriptor is no socket.
    pub(super) fn journal(stream: OwnedFd) -> io::Result<Self> {
        let stream = std::os::unix::net::UnixStream::from(stream);
        stream.set_nonblocking(true)?;
        Ok(Self::Journal(UnixStream::from_std(stream)?))
    }

    async fn line(&mut self, line: &[u8]) {
        match self {
            Self::Journal(stream) => {
                // A journal that went away loses lines, and must not take the service with it.
                let _lost = stream.write_all(&[line, b"\n"].concat()).await;
            }
            Self::File { file, terminal } => {
                file.line(line);
                if let Some(name) = terminal {
                    let text = String::from_utf8_lossy(line);
                    let _gone = writeln!(anstream::stdout(), "{}{text}", prefix(name.as_str()));
                }
            }
        }
    }
}

/// The end of a service's pipe.
#[derive(Debug)]
pub struct Reader {
    lines: BufReader<pipe::Receiver>,
    /// Shared with the reader of the life before, which may have lines left.
    sink: Arc<Mutex<Sink>>,
    waiting: Option<(String, oneshot::Sender<()>)>,
}

impl Reader {
    /// A pipe: its reader, and the end for the service.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub fn pipe(sink: Arc<Mutex<Sink>>) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;

        fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let reader = Self {
            lines: BufReader::new(pipe::Receiver::from_owned_fd(ours)?),
            sink,
            waiting: None,
        };
        Ok((reader, theirs))
    }

    /// What resolves when a line contains this text; it fails if none has when the pipe ends.
    pub fn wait_for(&mut self, text: &str) -> oneshot::Receiver<()> {
        let (found, receiver) = oneshot::channel();
        self.waiting = Some((text.to_owned(), found));
        receiver
    }

    /// Hands on every line until nobody holds the other end.
    pub async fn run(mut self) {
        let mut line = Vec::new();
        while let Ok(more) = self.next(&mut line).await
            && (more || !line.is_empty())
        {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            self.look(&line);
            self.sink.lock().await.line(&line).await;
            line.clear();
        }
    }

    /// Fills `line` up to the next line break, and says whether there may be more.
    async fn next(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            let buffer = self.lines.fill_buf().await?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let room = LINE_MAX - line.len();
            let take = end.unwrap_or(buffer.len()).min(room);
            line.extend_from_slice(&buffer[..take]);
            let whole = end == Some(take);
            self.lines.consume(take + usize::from(whole));
            if whole || line.len() == LINE_MAX {
                return Ok(true);
            }
        }
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
