//! The command line's end of the control socket. It blocks, because the command line has nothing else to do.

use std::{
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::{
    types::{Call, GatewayStatus, Refusal, Reply},
    wire::{ANSWER_MAX, Fault, Frames, NotAReply, Request, Response, frame},
};

/// How long to wait for an answer that needs only the daemon's loop. The loop turns in microseconds; this is
/// as much as an overloaded machine may make of that.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to the daemon.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    frames: Frames,
    path: PathBuf,
    /// Whether the first status of a watch is still to come.
    first: bool,
}

/// Why the daemon gave no answer, or not the answer that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("ai-gateway is not running")]
    NotRunning {
        /// The path of the socket.
        path: PathBuf,
    },
    /// The daemon has begun to start and does not listen yet.
    #[error("ai-gateway is starting (process {pid}) and does not answer yet")]
    Starting {
        /// The number of its process.
        pid: i32,
    },
    /// The daemon runs, but its socket is gone.
    #[error(
        "ai-gateway runs (process {pid}), but nobody can reach it: {} is gone",
        path.display()
    )]
    OutOfReach {
        /// The number of its process.
        pid: i32,
        /// The path at which it listened.
        path: PathBuf,
    },
    /// The caller is neither the daemon's owner nor root.
    #[error("only the owner of the daemon and root may use {}", path.display())]
    NotPermitted {
        /// The path of the socket.
        path: PathBuf,
    },
    /// The daemon runs, but does not answer.
    #[error(
        "the daemon (process {pid}) does not answer: {}",
        if *stopped {
            "a signal has stopped it"
        } else {
            "it hangs, or the machine is overloaded"
        }
    )]
    Silent {
        /// The number of its process.
        pid: i32,
        /// Whether it was stopped by a signal (SIGSTOP).
        stopped: bool,
    },
    /// The connection ended before the answer was complete.
    #[error("the daemon went away before it answered")]
    Gone,
    /// The kernel refused it.
    #[error("cannot speak to the daemon on {}", path.display())]
    Io {
        /// The path of the socket.
        path: PathBuf,
        /// The kernel's error.
        source: io::Error,
    },
    /// The answer is not in the agreed form.
    #[error(
        "the daemon does not understand this ai-gateway ({what}): \
         both have to be of the same version, so restart the daemon"
    )]
    Strange {
        /// What is wrong with the answer.
        what: String,
    },
    /// The daemon refuses it.
    #[error(transparent)]
    Refused(Refusal),
}

impl Client {
    /// Connects to the daemon that listens at `path`.
    ///
    /// # Errors
    /// Nobody listens, or the caller may not connect.
    pub fn connect(path: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ClientError::NotRunning { path: path.into() }
            }
            io::ErrorKind::PermissionDenied => ClientError::NotPermitted { path: path.into() },
            _ => io_error(path, e),
        })?;
        // A full queue of answers would block us as well.
        stream
            .set_write_timeout(Some(PATIENCE))
            .map_err(|e| io_error(path, e))?;
        Ok(Self {
            stream,
            frames: Frames::new(ANSWER_MAX),
            path: path.into(),
            first: false,
        })
    }

    /// Asks and waits for the answer: only a short time for a call that is answered at once, and otherwise as
    /// long as it takes.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn ask(&mut self, call: &Call) -> Result<Reply, ClientError> {
        self.begin(call)?;
        match call {
            Call::Status | Call::Why(_) | Call::Blame(_) => {
                self.in_time(PATIENCE, |client| client.finish(call))
            }
            // The configuration is read first.
            Call::Preview => self.in_time(PATIENCE * 4, |client| client.finish(call)),
            Call::Start(_) | Call::Stop(_) | Call::Restart(_) | Call::Reload(_) => {
                self.finish(call)
            }
        }
    }

    /// Waits only as long as an answer may take that needs only the daemon's loop.
    fn in_time<T>(
        &mut self,
        limit: Duration,
        wait: impl FnOnce(&mut Self) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let path = self.path.clone();
        let patience = |client: &Self, time| {
            let set = client.stream.set_read_timeout(time);
            set.map_err(|e| io_error(&path, e))
        };
        patience(self, Some(limit))?;
        let answer = wait(self);
        patience(self, None)?;
        answer
    }

    /// Asks and does not wait. [`Client::finish`] waits for the answer; it is best called when there is
    /// something to read.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn begin(&mut self, call: &Call) -> Result<(), ClientError> {
        self.send(&Request::of(call))
    }

    /// Waits for the answer after [`Client::begin`].
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn finish(&mut self, call: &Call) -> Result<Reply, ClientError> {
        let answer = self.answer()?.ok_or(ClientError::Gone)?;
        answer.reply_to(call).map_err(|e| self.fault(e))
    }

    /// Asks for the status.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn status(&mut self) -> Result<GatewayStatus, ClientError> {
        match self.ask(&Call::Status)? {
            Reply::Status(status) => Ok(*status),
            Reply::Done(_) | Reply::Why(_) | Reply::Blame(_) | Reply::Preview(_) => {
                Err(ClientError::Strange {
                    what: "not a status".into(),
                })
            }
        }
    }

    /// Asks for the status now and after each change: [`Client::next_status`] returns them.
    /// The first one is answered at once.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn watch(&mut self) -> Result<(), ClientError> {
        self.first = true;
        self.send(&Request::watch())
    }

    /// Waits for the next status after [`Client::watch`]. `None` if the daemon has ended.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn next_status(&mut self) -> Result<Option<GatewayStatus>, ClientError> {
        let answer = if std::mem::take(&mut self.first) {
            self.in_time(PATIENCE, Self::answer)?
        } else {
            self.answer()?
        };
        match answer.map(Response::status) {
            None => Ok(None),
            Some(Ok(status)) => Ok(Some(status)),
            Some(Err(NotAReply::Fault(Fault::Refused(Refusal::Ending)))) => Ok(None),
            Some(Err(e)) => Err(self.fault(e)),
        }
    }

    /// Whether an answer is here already, so that the socket need not become readable for it.
    pub fn has_answer(&self) -> bool {
        self.frames.has_message()
    }

    /// Waits until the daemon has ended.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn wait_for_end(&mut self) -> Result<(), ClientError> {
        while self.answer()?.is_some() {}
        Ok(())
    }

    /// A daemon that has refused the connection has closed it already, and its message is waiting to be read.
    fn send(&mut self, request: &Request) -> Result<(), ClientError> {
        match self.stream.write_all(&frame(request)) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Err(self.silent()),
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(io_error(&self.path, e)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Reads one message. `None` if the connection has ended.
    fn answer(&mut self) -> Result<Option<Response>, ClientError> {
        loop {
            let message = self.frames.take().map_err(strange)?;
            if let Some(message) = message {
                return serde_json::from_slice(&message).map(Some).map_err(strange);
            }
            let mut chunk = [0; 8192];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Ok(None),
                Ok(length) => self.frames.push(&chunk[..length]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(self.silent()),
                Err(e) => return Err(io_error(&self.path, e)),
            }
        }
    }

    /// Finds out which process does not answer, and why, as far as /proc tells.
    pub fn silent(&self) -> ClientError {
        let peer = getsockopt(&self.stream, PeerCredentials);
        let pid = peer.map_or(0, |peer| peer.pid());
        let stopped = sys::proc::stat(pid).is_ok_and(|stat| stat.stopped);
        ClientError::Silent { pid, stopped }
    }

    fn fault(&self, error: NotAReply) -> ClientError {
        match error {
            NotAReply::Fault(Fault::Refused(refusal)) => ClientError::Refused(refusal),
            NotAReply::Fault(Fault::PermissionDenied) => ClientError::NotPermitted {
                path: self.path.clone(),
            },
            NotAReply::Fault(other) => ClientError::Strange {
                what: other.response().error.unwrap_or_default(),
            },
            NotAReply::Malformed(e) => strange(e),
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn strange(error: impl std::fmt::Display) -> ClientError {
    ClientError::Strange {
        what: error.to_string(),
    }
}

fn io_error(path: &Path, source: io::Error) -> ClientError {
    ClientError::Io {
        path: path.into(),
        source,
    }
}
