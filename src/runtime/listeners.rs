//! The listening sockets that are held for services.
//!
//! A service's sockets are bound when it is first expected to run. They stay bound while it restarts,
//! crashes and waits, until it has failed for good or somebody stops it. Its main process gets copies of
//! them ([`supervise::spec::FIRST_LISTENER`]). So no other program can take the address in between, and a
//! client that connects while the service is down waits in the socket's queue.
//!
//! A reload binds only the sockets that are new. If one of them cannot be bound, the reload is refused. The
//! exception is a port that another service of this gateway still has: it is bound at the next launch.
//!
//! Only the loop uses this (`daemon`, `executor`, `reload`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::SocketAddr,
    os::{
        fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::fs::PermissionsExt as _,
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

use crate::{config::ports, fs::entry::Entry};

/// The length of the queue that is asked for. The kernel cuts it to `net.core.somaxconn`, which may be
/// higher or lower than what a service needs. `doctor` says when it is lower than [`crate::stack::QUEUE`].
const MOST: Backlog = Backlog::MAXALLOWABLE;

/// The socket is non-blocking until a service needs it otherwise ([`Held::prepare_for`]).
const FLAGS: SockFlag = SockFlag::SOCK_CLOEXEC.union(SockFlag::SOCK_NONBLOCK);

/// A socket that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {at}{}", holder.as_deref().map(|who| format!(": {who} listens there")).unwrap_or_default())]
pub(super) struct ListenError {
    at: Listener,
    /// The process that has the port, if that is the reason and the process can be seen.
    holder: Option<String>,
    #[source]
    source: io::Error,
}

/// Every socket that is held now.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    held: BTreeMap<ServiceName, Vec<Held>>,
    /// The services whose sockets may have changed since [`Listeners::take_news`] was called the last time.
    news: BTreeSet<ServiceName>,
}

#[derive(Debug)]
struct Held {
    at: Listener,
    socket: OwnedFd,
    /// The name of a Unix socket, until it is removed.
    name: Option<Entry>,
}

impl Listeners {
    /// The services whose sockets may have changed since this was called the last time.
    pub(super) fn take_news(&mut self) -> BTreeSet<ServiceName> {
        std::mem::take(&mut self.news)
    }

    /// Prepares a launch: takes over the sockets that another service had before, closes those that are in
    /// the way, and binds those that are missing. What else the service no longer has stays open, because
    /// another service may have it now: [`Self::keep`] decides on that.
    ///
    /// # Errors
    /// The first socket that cannot be bound, and who has its port.
    pub(super) fn open(&mut self, spec: &ServiceSpec) -> Result<(), ListenError> {
        self.take_over(spec);
        self.clear_the_way(spec);
        self.bind_missing(spec)
            .map_err(|(at, source)| ListenError::of(at, source))?;
        let held = self.held.get(&spec.name).into_iter().flatten();
        for held in held.filter(|held| spec.listeners.contains(&held.at)) {
            held.prepare_for(spec.handover)
                .map_err(|source| ListenError::of(held.at.clone(), source))?;
        }
        Ok(())
    }

    /// Opens the sockets of the services that are expected to run, and closes all others. A socket that
    /// cannot be bound is reported when its service is launched.
    ///
    /// An address that passes from one service to another is never closed in between: the old service may
    /// still answer requests on it, so nobody could bind it anew.
    pub(super) fn keep(&mut self, expected: &[&ServiceSpec]) {
        let specs: BTreeMap<_, _> = expected.iter().map(|spec| (&spec.name, *spec)).collect();
        let mut others = Vec::new();
        for (name, held) in &mut self.held {
            let before = others.len();
            let is_its_own = |held: &Held| {
                let spec = specs.get(name);
                spec.is_some_and(|spec| spec.listeners.contains(&held.at))
            };
            others.extend(held.extract_if(.., |held| !is_its_own(held)));
            if others.len() > before {
                self.news.insert(name.clone());
            }
        }
        self.held.retain(|_, held| !held.is_empty());
        for held in others {
            if let Some(spec) = expected.iter().find(|s| s.listeners.contains(&held.at)) {
                self.hold_for(spec.name.clone(), held);
            }
        }
        for spec in expected {
            let _told_at_launch = self.bind_missing(spec);
        }
    }

    /// Takes over a socket of another service that this service has now. This is so between a reload and
    /// the restart of the other service.
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

    /// Closes those sockets of a service that would keep a missing one from being bound: those whose name
    /// somebody has removed or taken, and those of a port that it now has at another address.
    fn clear_the_way(&mut self, spec: &ServiceSpec) {
        if let Some(held) = self.held.get_mut(&spec.name) {
            let before = held.len();
            held.retain(|held| held.is_reachable() && !held.is_in_the_way_of(spec));
            if held.len() < before {
                self.news.insert(spec.name.clone());
            }
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

    /// The service's sockets in the order of its specification. Empty if one of them is missing.
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

    /// Binds the new sockets of these services, so that a reload is refused before it has changed anything.
    pub(super) fn prepare(
        &mut self,
        specs: &[ServiceSpec],
    ) -> Result<Vec<(ServiceName, Listener)>, ListenError> {
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
        let names = bound.iter();
        let names = names.map(|(service, held)| (service.clone(), held.at.clone()));
        let names = names.collect();
        for (service, held) in bound {
            self.hold_for(service, held);
        }
        Ok(names)
    }

    /// Closes what [`Self::prepare`] has bound.
    pub(super) fn undo(&mut self, prepared: &[(ServiceName, Listener)]) {
        for (service, at) in prepared {
            if let Some(held) = self.held.get_mut(service) {
                held.retain(|held| held.at != *at);
                self.news.insert(service.clone());
            }
        }
    }

    fn hold_for(&mut self, service: ServiceName, socket: Held) {
        self.news.insert(service.clone());
        self.held.entry(service).or_default().push(socket);
    }

    fn all(&self) -> impl Iterator<Item = &Held> {
        self.held.values().flatten()
    }

    /// The usual answer, which is found without a search through all other services.
    fn is_held_for(&self, service: &ServiceName, at: &Listener) -> bool {
        let own = self.held.get(service).into_iter().flatten();
        own.into_iter().any(|held| held.at == *at)
    }

    fn holds(&self, at: &Listener) -> bool {
        self.all().any(|held| held.at == *at)
    }

    /// Whether this gateway has a socket with this port number already, at any address.
    fn has_port_of(&self, at: &Listener) -> bool {
        self.all().any(|held| have_one_port(&held.at, at))
    }
}

impl Held {
    fn bind(at: &Listener) -> io::Result<Self> {
        let (socket, name) = match at {
            Listener::Tcp(address) => (bind_tcp(*address)?, None),
            Listener::Unix(path) => {
                let (socket, name) = bind_unix(path)?;
                (socket, Some(name))
            }
        };
        Ok(Self {
            at: at.clone(),
            socket,
            name,
        })
    }

    /// Sets whether accept(2) blocks, for the next instance. The copies of the service and our socket are
    /// one open file, so whatever the last instance has set is undone here, as systemd does at each start.
    ///
    /// A service may use inherited sockets as they are. If two of its workers are woken up for one connection, the second
    /// one would block in accept(2) until the next connection comes, and answer nobody meanwhile. A program
    /// that knows systemd's protocol expects blocking sockets, which are systemd's default (`NonBlocking=`
    /// in systemd.service(5)).
    fn prepare_for(&self, handover: Handover) -> io::Result<()> {
        let flags = fcntl(&self.socket, FcntlArg::F_GETFL)?;
        let mut flags = OFlag::from_bits_retain(flags);
        flags.set(OFlag::O_NONBLOCK, handover == Handover::Command);
        fcntl(&self.socket, FcntlArg::F_SETFL(flags))?;
        Ok(())
    }

    /// Whether the specification has the port of this socket, but at other addresses.
    fn is_in_the_way_of(&self, spec: &ServiceSpec) -> bool {
        let at_another = spec.listeners.iter().any(|at| have_one_port(&self.at, at));
        at_another && !spec.listeners.contains(&self.at)
    }

    /// Somebody may have removed the name of a Unix socket, as logind empties a user's folder, and another
    /// program may have bound it since.
    fn is_reachable(&self) -> bool {
        let name = self.name.as_ref();
        name.is_none_or(|name| name.is_current().unwrap_or(false))
    }
}

impl Drop for Held {
    /// The name of a Unix socket stays when the socket is closed, so it is removed here, unless it is another
    /// socket's by now.
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            // If it cannot be removed: a client that finds a name without a listener is refused as well.
            let _gone = name.remove();
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

/// Whether both are TCP addresses of one port: then one of them may keep the other from being bound.
fn have_one_port(one: &Listener, other: &Listener) -> bool {
    match (one, other) {
        (Listener::Tcp(one), Listener::Tcp(other)) => one.port() == other.port(),
        (Listener::Tcp(_) | Listener::Unix(_), _) => false,
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let socket = socket(family, SockType::Stream, FLAGS, None)?;
    // Without this, connections of an earlier daemon that are still closing would keep the port.
    setsockopt(&socket, ReuseAddr, &true)?;
    // Accepted connections inherit this option, whichever program accepts them.
    setsockopt(&socket, TcpNoDelay, &true)?;
    if address.is_ipv6() {
        // An address in IPv6 stands for IPv6 alone, as the reference of the configuration says.
        setsockopt(&socket, Ipv6V6Only, &true)?;
    }
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    // From here on nobody else can bind the address, whatever options they use.
    listen(&socket, MOST)?;
    Ok(socket)
}

fn bind_unix(path: &Path) -> io::Result<(OwnedFd, Entry)> {
    remove_stale(path)?;
    let socket = socket(AddressFamily::Unix, SockType::Stream, FLAGS, None)?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    let name = Entry::of(path)?;
    // Nobody can connect before the socket listens.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listen(&socket, MOST)?;
    Ok((socket, name))
}

/// Removes the name of a Unix socket that an earlier daemon has left. It does not remove anything that is
/// not a socket, nor a socket on which somebody listens, because people choose these names too.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Some(found) = Entry::find(path)? else {
        return Ok(());
    };
    if !found.is_socket()? {
        let what = "something that is no socket is there: move it, or choose another name";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    // The attempt does not block: if it would have to wait, somebody listens whose queue is full.
    let caller = socket(AddressFamily::Unix, SockType::Stream, FLAGS, None)?;
    match connect(caller.as_raw_fd(), &UnixAddr::new(path)?) {
        // If it is another one's by now, the attempt to bind it says so.
        Err(Errno::ECONNREFUSED) => found.remove().map(drop),
        Ok(()) | Err(Errno::EAGAIN) => Err(io::ErrorKind::AddrInUse.into()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests;
