//! The listening sockets that are held for services.
//!
//! A service's sockets are bound when it is first expected to run and stay bound while it restarts,
//! crashes and waits, until it has failed for good or somebody stops it. Its main process gets copies
//! ([`supervise::spec::FIRST_LISTENER`]). So no other program can take the address in between, and a
//! client that comes while the service is away waits in the socket's queue.
//!
//! A reload binds only what it adds. What the new configuration wants and cannot have refuses the
//! reload, except on a port that a service of ours still has: that one is bound at the next launch.
//!
//! Used by the loop alone (`daemon`, `executor`, `reload`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::SocketAddr,
    os::{
        fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::fs::{FileTypeExt as _, PermissionsExt as _},
    },
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, UnixAddr, bind, connect,
        listen, setsockopt, socket,
        sockopt::{Ipv6V6Only, ReuseAddr, TcpNoDelay},
    },
};
use supervise::spec::{Handover, Listener, ServiceName, ServiceSpec};

use crate::config::ports;

/// The kernel makes it as many as `net.core.somaxconn` allows, which may be more or fewer. `doctor`
/// says when it is fewer than [`crate::stack::QUEUE`].
const MOST: Backlog = Backlog::MAXALLOWABLE;

/// Not blocking until somebody wants it otherwise ([`Held::prepare_for`]).
const FLAGS: SockFlag = SockFlag::SOCK_CLOEXEC.union(SockFlag::SOCK_NONBLOCK);

/// A socket that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {at}{}", holder.as_deref().map(|who| format!(": {who} listens there")).unwrap_or_default())]
pub(super) struct ListenError {
    at: Listener,
    /// Whoever has the port, where that is the reason and can be seen.
    holder: Option<String>,
    #[source]
    source: io::Error,
}

/// Every socket that is held now.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    held: BTreeMap<ServiceName, Vec<Held>>,
    /// The services that may have other ones than when somebody has asked the last time.
    news: BTreeSet<ServiceName>,
}

#[derive(Debug)]
struct Held {
    at: Listener,
    socket: OwnedFd,
}

impl Listeners {
    /// The services that may have other sockets than when this was asked the last time.
    pub(super) fn take_news(&mut self) -> BTreeSet<ServiceName> {
        std::mem::take(&mut self.news)
    }

    /// For a launch: lets go of what the service no longer has, takes over what another service had
    /// before, and binds what is missing.
    ///
    /// # Errors
    /// The first that cannot be bound, and who has its port.
    pub(super) fn open(&mut self, spec: &ServiceSpec) -> Result<(), ListenError> {
        self.let_go(spec);
        self.take_over(spec);
        self.bind_missing(spec)
            .map_err(|(at, source)| ListenError::of(at, source))?;
        for held in self.held.get(&spec.name).into_iter().flatten() {
            held.prepare_for(spec.handover)
                .map_err(|source| ListenError::of(held.at.clone(), source))?;
        }
        Ok(())
    }

    /// Holds what the services have that are expected to run, and nothing else. What cannot be bound is
    /// told when the service is to be launched.
    ///
    /// An address that goes from one service to another is closed in no moment: the old one may still
    /// answer what has come in, so nobody could bind it anew.
    pub(super) fn keep(&mut self, expected: &[&ServiceSpec]) {
        let names: BTreeSet<_> = expected.iter().map(|spec| &spec.name).collect();
        let all = std::mem::take(&mut self.held).into_iter();
        let (kept, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            all.partition(|(name, _)| names.contains(name));
        self.held = kept;
        self.news.extend(others.keys().cloned());
        for held in others.into_values().flatten() {
            if let Some(spec) = expected.iter().find(|s| s.listeners.contains(&held.at)) {
                self.hold_for(spec.name.clone(), held);
            }
        }
        for spec in expected {
            let _told_at_launch = self.bind_missing(spec);
        }
    }

    /// What another service holds and this one has, as in the time between a reload and the restart of
    /// the other.
    fn take_over(&mut self, spec: &ServiceSpec) {
        let mut taken = Vec::new();
        let others = self.held.iter_mut().filter(|(name, _)| **name != spec.name);
        for (name, held) in others {
            let before = taken.len();
            taken.extend(held.extract_if(.., |held| spec.listeners.contains(&held.at)));
            if taken.len() > before {
                self.news.insert(name.clone());
            }
        }
        for held in taken {
            self.hold_for(spec.name.clone(), held);
        }
    }

    /// Gives up what this specification does not have.
    pub(super) fn let_go(&mut self, spec: &ServiceSpec) {
        if let Some(held) = self.held.get_mut(&spec.name) {
            held.retain(|held| spec.listeners.contains(&held.at) && held.is_reachable());
            self.news.insert(spec.name.clone());
        }
    }

    fn bind_missing(&mut self, spec: &ServiceSpec) -> Result<(), (Listener, io::Error)> {
        for at in &spec.listeners {
            if !self.is_held_for(&spec.name, at) && !self.holds(at) {
                let bound = Held::bind(at).map_err(|source| (at.clone(), source))?;
                self.hold_for(spec.name.clone(), bound);
            }
        }
        Ok(())
    }

    /// The service's sockets in the order of its specification; none if one of them is missing.
    pub(super) fn of(&self, spec: &ServiceSpec) -> Vec<BorrowedFd<'_>> {
        let held = self.held.get(&spec.name).map_or(&[][..], Vec::as_slice);
        let of = |at: &Listener| held.iter().find(|held| held.at == *at);
        let all: Option<Vec<_>> = spec.listeners.iter().map(of).collect();
        let all = all.unwrap_or_default().into_iter();
        all.map(|held| held.socket.as_fd()).collect()
    }

    /// Where the service can be reached now, for people.
    pub(super) fn addresses(&self, service: &ServiceName) -> Vec<String> {
        let held = self.held.get(service).into_iter().flatten();
        held.map(|held| held.at.to_string()).collect()
    }

    /// Binds what these services have and nobody holds yet, so that a reload is refused before it
    /// has changed anything.
    pub(super) fn prepare(&mut self, specs: &[ServiceSpec]) -> Result<(), ListenError> {
        let mut bound = Vec::new();
        for spec in specs {
            for at in &spec.listeners {
                if !self.holds(at) && !self.has_port_of(at) {
                    let socket = Held::bind(at);
                    let socket = socket.map_err(|source| ListenError::of(at.clone(), source))?;
                    bound.push((spec.name.clone(), socket));
                }
            }
        }
        for (service, held) in bound {
            self.hold_for(service, held);
        }
        Ok(())
    }

    fn hold_for(&mut self, service: ServiceName, socket: Held) {
        self.news.insert(service.clone());
        self.held.entry(service).or_default().push(socket);
    }

    fn all(&self) -> impl Iterator<Item = &Held> {
        self.held.values().flatten()
    }

    /// Most often the answer, and found without a look at all others.
    fn is_held_for(&self, service: &ServiceName, at: &Listener) -> bool {
        let own = self.held.get(service).into_iter().flatten();
        own.into_iter().any(|held| held.at == *at)
    }

    fn holds(&self, at: &Listener) -> bool {
        self.all().any(|held| held.at == *at)
    }

    /// Whether a port of this number is ours already, at whatever address.
    fn has_port_of(&self, at: &Listener) -> bool {
        let port = |at: &Listener| match at {
            Listener::Tcp(address) => Some(address.port()),
            Listener::Unix(_) => None,
        };
        port(at).is_some() && self.all().any(|held| port(&held.at) == port(at))
    }
}

impl Held {
    fn bind(at: &Listener) -> io::Result<Self> {
        let socket = match at {
            Listener::Tcp(address) => bind_tcp(*address),
            Listener::Unix(path) => bind_unix(path),
        };
        Ok(Self {
            at: at.clone(),
            socket: socket?,
        })
    }

    /// Whether accept(2) waits, for the next instance. Its copies and ours are one open file, so whatever the
    /// last instance has made of it is undone here, as systemd does at each start.
    ///
    /// nginx takes what it inherits as it is: of two workers that are woken for one connection the
    /// second would wait in accept(2) for the next one, and answer nobody meanwhile. A program that knows
    /// systemd's protocol expects to wait, as systemd's own sockets do (`NonBlocking=` in
    /// systemd.service(5)).
    fn prepare_for(&self, handover: Handover) -> io::Result<()> {
        let flags = fcntl(&self.socket, FcntlArg::F_GETFL)?;
        let mut flags = OFlag::from_bits_retain(flags);
        flags.set(OFlag::O_NONBLOCK, handover == Handover::Command);
        fcntl(&self.socket, FcntlArg::F_SETFL(flags))?;
        Ok(())
    }

    /// The name of a Unix socket may have been removed by somebody: logind empties a user's folder.
    fn is_reachable(&self) -> bool {
        match &self.at {
            Listener::Tcp(_) => true,
            Listener::Unix(path) => path.exists(),
        }
    }
}

impl Drop for Held {
    /// The name of a Unix socket outlasts the socket.
    fn drop(&mut self) {
        if let Listener::Unix(path) = &self.at {
            // Whoever finds a name without a listener is refused as well.
            let _gone = fs::remove_file(path);
        }
    }
}

impl ListenError {
    fn of(at: Listener, source: io::Error) -> Self {
        let holder = match &at {
            Listener::Tcp(address) if source.kind() == io::ErrorKind::AddrInUse => {
                let seen = ports::holder(address.port());
                Some(seen.map_or_else(
                    || "another user's process".to_owned(),
                    |(pid, name)| format!("{name} (process {pid})"),
                ))
            }
            Listener::Tcp(_) | Listener::Unix(_) => None,
        };
        Self { at, holder, source }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let socket = socket(family, SockType::Stream, FLAGS, None)?;
    // Connections of an earlier daemon that are still closing do not keep the port.
    setsockopt(&socket, ReuseAddr, &true)?;
    // Accepted connections inherit it, whichever program accepts them.
    setsockopt(&socket, TcpNoDelay, &true)?;
    if address.is_ipv6() {
        // As nginx asks of its own since 1.3.4.
        setsockopt(&socket, Ipv6V6Only, &true)?;
    }
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    // From here on nobody else can bind it, with whatever options.
    listen(&socket, MOST)?;
    Ok(socket)
}

fn bind_unix(path: &Path) -> io::Result<OwnedFd> {
    remove_stale(path)?;
    let socket = socket(AddressFamily::Unix, SockType::Stream, FLAGS, None)?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    // Nobody can connect before it listens.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listen(&socket, MOST)?;
    Ok(socket)
}

/// The name may be there from an earlier daemon. What is no socket, or one on which somebody listens, is
/// not ours to remove: people choose these names too.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            let what = "something that is no socket is there: move it, or choose another name";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        Ok(_) => {}
    }
    // Without waiting: somebody listens whose queue is full.
    let caller = socket(AddressFamily::Unix, SockType::Stream, FLAGS, None)?;
    match connect(caller.as_raw_fd(), &UnixAddr::new(path)?) {
        Err(Errno::ECONNREFUSED) => fs::remove_file(path),
        Ok(()) | Err(Errno::EAGAIN) => Err(io::ErrorKind::AddrInUse.into()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests;
