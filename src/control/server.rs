//! The daemon's end of the control socket.
//!
//! One task accepts, one task per connection reads, has the call answered ([`Handle::ask`]), and writes.
//! If a connection dies while its order is being carried out, nothing is lost with it: the order is carried
//! out, and nobody gets the answer.
//!
//! A connection that does nothing does not keep others out: a message that was begun has to be finished in
//! time, and if there are as many connections as allowed, a new one takes the place of one that is not being
//! served.

use std::{
    fs::{self, DirBuilder},
    future::Future,
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            fs::{DirBuilderExt as _, PermissionsExt as _},
            net::UnixStream as StdStream,
        },
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nix::{
    sys::{
        socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr},
        stat::{Mode, fchmod},
    },
    unistd::Uid,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use super::{
    handle::{Handle, Question, Tell},
    types::Refusal,
    wire::{CALL_MAX, Fault, Frames, Method, Request, Response, frame},
};
use crate::fs::entry::Entry;

/// The most connections at a time. A person has a few; a program that opens them in an endless loop must not
/// exhaust the daemon.
pub const CONNECTIONS_MAX: usize = 32;

/// A caller that accepts no bytes for this long is dropped.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most time from the first byte of a message to its last.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// The most time for the last answers when the daemon ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// The wait after the kernel had no descriptor for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the daemon cannot listen at its socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another daemon answers there.
    #[error("another ai-gateway listens on {}", path.display())]
    InUse {
        /// The path of the socket.
        path: PathBuf,
    },
    /// Something that is not a socket has the socket's name, and it is not ours to remove.
    #[error("{} is in the way of the control socket: move it elsewhere", path.display())]
    InTheWay {
        /// The path of the file.
        path: PathBuf,
    },
    /// The kernel refused it.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder with which it was tried.
        path: PathBuf,
        /// The kernel's error.
        source: io::Error,
    },
}

/// Listens at `path`, with mode 0600 in a folder of mode 0700. A socket that a dead daemon has left there is
/// removed. The caller removes the name of the socket, before the listener is gone.
///
/// # Errors
/// Somebody listens there, something else has that name, or the kernel refuses it. This must be called within
/// a runtime.
pub fn bind(path: &Path) -> Result<(UnixListener, Entry), BindError> {
    let failed = |action| {
        move |source: io::Error| BindError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    };
    make_private_folder(path)?;
    remove_stale(path)?;
    let fd = listening(path).map_err(|e| failed("listen on")(e.into()))?;
    let name = Entry::of(path).map_err(failed("look at"))?;
    let listener = std::os::unix::net::UnixListener::from(fd);
    let listener = UnixListener::from_std(listener).map_err(failed("wait for connections on"))?;
    Ok((listener, name))
}

fn make_private_folder(socket: &Path) -> Result<(), BindError> {
    let folder = socket.parent().unwrap_or(Path::new("/"));
    let failed = |action| {
        move |source| BindError::Io {
            action,
            path: folder.to_owned(),
            source,
        }
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed("make the folder"))?;
    let mut permissions = fs::metadata(folder).map_err(failed("read"))?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o700);
        fs::set_permissions(folder, permissions).map_err(failed("make private"))?;
    }
    Ok(())
}

fn remove_stale(path: &Path) -> Result<(), BindError> {
    let failed = |action| {
        move |source| BindError::Io {
            action,
            path: path.into(),
            source,
        }
    };
    let who = "find out who listens on";
    let Some(found) = Entry::find(path).map_err(failed(who))? else {
        return Ok(());
    };
    if !found.is_socket().map_err(failed(who))? {
        return Err(BindError::InTheWay { path: path.into() });
    }
    match StdStream::connect(path) {
        // If it is another daemon's by now, the attempt to bind it says so.
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
            found.remove().map(drop).map_err(failed("remove"))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) => Err(BindError::InUse { path: path.into() }),
        Err(source) => Err(failed(who)(source)),
    }
}

/// Sets the mode before the socket has a name, so that at no moment anybody else can connect.
fn listening(path: &Path) -> nix::Result<OwnedFd> {
    let fd = socket::socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        None,
    )?;
    fchmod(&fd, Mode::S_IRUSR | Mode::S_IWUSR)?;
    socket::bind(fd.as_raw_fd(), &UnixAddr::new(path)?)?;
    socket::listen(&fd, Backlog::MAXCONN)?;
    Ok(fd)
}

/// Answers calls until `shutdown` ends, and then the last of them for a short time.
pub async fn serve<T: Tell>(
    listener: UnixListener,
    handle: Handle<T>,
    owner: Uid,
    shutdown: impl Future<Output = ()>,
) {
    let (close, closing) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut places = Places::default();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            // Cancel-safe: a connection that was not returned stays in the kernel's queue.
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => match admit(&stream, owner).and_then(|()| places.make()) {
                    Ok(()) => {
                        let connection = Connection::new(stream, &handle, &closing);
                        let served = Arc::clone(&connection.served);
                        places.take(connections.spawn(connection.run()), served);
                    }
                    Err(fault) => turn_away(&stream, &fault),
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection on the control socket");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // Cancel-safe: a task that was not returned stays in the set.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    close.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    // Whoever is not done by then is dropped with the set.
    let _in_time = timeout(FAREWELL, all).await;
}

/// The connections that are open, the oldest first.
#[derive(Debug, Default)]
struct Places(Vec<(AbortHandle, Arc<AtomicBool>)>);

impl Places {
    /// Makes room for one more connection: if all places are taken, it closes the oldest connection that is
    /// not being served.
    fn make(&mut self) -> Result<(), Fault> {
        self.0.retain(|(task, _)| !task.is_finished());
        if self.0.len() < CONNECTIONS_MAX {
            return Ok(());
        }
        let idle = |(_, served): &(_, Arc<AtomicBool>)| !served.load(Ordering::Relaxed);
        let Some(place) = self.0.iter().position(idle) else {
            return Err(Fault::Refused(Refusal::Failed(format!(
                "{CONNECTIONS_MAX} calls to the control socket are under way already: \
                 wait for one of them"
            ))));
        };
        self.0.remove(place).0.abort();
        Ok(())
    }

    fn take(&mut self, task: AbortHandle, served: Arc<AtomicBool>) {
        self.0.push((task, served));
    }
}

fn admit(stream: &UnixStream, owner: Uid) -> Result<(), Fault> {
    // Without an answer from the kernel nobody is trusted.
    let peer = stream.peer_cred().map_err(|_| Fault::PermissionDenied)?;
    if !may_speak(Uid::from_raw(peer.uid()), owner) {
        return Err(Fault::PermissionDenied);
    }
    Ok(())
}

fn may_speak(peer: Uid, owner: Uid) -> bool {
    peer == owner || peer.is_root()
}

/// Sends one short message. A fresh connection has room for it; if it had none, closing it would say enough.
fn turn_away(stream: &UnixStream, fault: &Fault) {
    let _said = stream.try_write(&frame(&fault.response()));
}

struct Connection<T> {
    stream: UnixStream,
    frames: Frames,
    handle: Handle<T>,
    closing: watch::Receiver<bool>,
    /// Whether a call of this connection is being answered, or whether it watches.
    served: Arc<AtomicBool>,
}

impl<T: Tell> Connection<T> {
    fn new(stream: UnixStream, handle: &Handle<T>, closing: &watch::Receiver<bool>) -> Self {
        Self {
            stream,
            frames: Frames::new(CALL_MAX),
            handle: handle.clone(),
            closing: closing.clone(),
            served: Arc::default(),
        }
    }

    /// Serves the connection until the caller or the daemon ends it, or the caller breaks the rules.
    async fn run(mut self) {
        let ended = self.calls().await;
        if let Err(error) = ended {
            tracing::debug!(%error, "a control connection broke off");
        }
    }

    async fn calls(&mut self) -> io::Result<()> {
        while let Some(message) = self.message().await? {
            let request: Request = serde_json::from_slice(&message)?;
            self.served.store(true, Ordering::Relaxed);
            match request.meaning() {
                Ok(Method::Watch) => return self.watch().await,
                Ok(Method::Fixed(answer)) => self.answer(&request, Response::plain(answer)).await?,
                Ok(Method::Call(call)) => {
                    let response = match self.handle.ask(call).await {
                        Ok(reply) => Response::of(&reply),
                        Err(refusal) => Fault::Refused(refusal).response(),
                    };
                    self.answer(&request, response).await?;
                }
                Err(fault) => self.answer(&request, fault.response()).await?,
            }
            self.served.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Receives the next message. `None` if the connection has ended.
    async fn message(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(message) = self.frames.take().map_err(io::Error::other)? {
                return Ok(Some(message));
            }
            // Between two messages a caller may take its time.
            let more = if self.frames.is_empty() {
                self.read().await?
            } else {
                timeout(MESSAGE_TIMEOUT, self.rest()).await??
            };
            if !more {
                return Ok(None);
            }
        }
    }

    /// Waits until a message that was begun has arrived as a whole. The result is false if nothing more will
    /// come.
    async fn rest(&mut self) -> io::Result<bool> {
        while !self.frames.has_message() {
            if !self.read().await? {
                return Ok(false);
            }
            if self.frames.is_too_long() {
                break;
            }
        }
        Ok(true)
    }

    /// Reads what has arrived. The result is false if nothing more will come.
    async fn read(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 4096];
        let length = tokio::select! {
            // Cancel-safe per docs on wait_for(); an error means that the server is gone.
            _ = self.closing.wait_for(|closing| *closing) => 0,
            // Cancel-safe per docs on read().
            length = self.stream.read(&mut chunk) => length?,
        };
        self.frames.push(&chunk[..length]);
        Ok(length > 0)
    }

    async fn answer(&mut self, request: &Request, response: Response) -> io::Result<()> {
        if request.oneway {
            return Ok(());
        }
        self.write(&response).await
    }

    async fn write(&mut self, response: &Response) -> io::Result<()> {
        timeout(WRITE_TIMEOUT, self.stream.write_all(&frame(response))).await?
    }

    /// Sends the status now and after each change. Changes that come while the caller is slow are sent as
    /// one.
    async fn watch(&mut self) -> io::Result<()> {
        let mut tell = self.handle.tell.clone();
        loop {
            match tell.tell(Question::Status).await {
                Ok(status) => self.write(&Response::of(&status).and_more()).await?,
                Err(refusal) => return self.write(&Fault::Refused(refusal).response()).await,
            }
            tokio::select! {
                // Cancel-safe by contract; false means that the daemon ends.
                changed = tell.changed() => if !changed { return Ok(()) },
                more = self.read() => {
                    // A watching caller has nothing to say; what it says all the same is bounded.
                    if !more? || self.frames.take().map_err(io::Error::other)?.is_some() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
