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
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    os::{
        fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::fs::PermissionsExt as _,
    },
    path::Path,
};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, UnixAddr, bind, listen,
    setsockopt, socket,
    sockopt::{Ipv6V6Only, ReuseAddr, TcpNoDelay},
};
use supervise::spec::{Listener, ServiceName, ServiceSpec};

use crate::config::ports;

/// The kernel makes it as many as `net.core.somaxconn` allows, which may be more or fewer. `doctor`
/// says when it is fewer than [`crate::services::QUEUE`].
const MOST: Backlog = Backlog::MAXALLOWABLE;

/// Not blocking, which the services' copies share: nginx takes what it inherits as it is, and of two
/// workers that are woken for one connection the second would wait in accept(2) for the next one, and
/// answer nobody meanwhile.
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
pub(super) struct Listeners(BTreeMap<ServiceName, Vec<Held>>);

#[derive(Debug)]
struct Held {
    at: Listener,
    socket: OwnedFd,
}

impl Listeners {
    /// For a launch: lets go of what the service no longer has, and binds what is missing.
    ///
    /// # Errors
    /// The first that cannot be bound, and who has its port.
    pub(super) fn open(&mut self, spec: &ServiceSpec) -> Result<(), ListenError> {
        self.let_go(spec);
        self.bind_missing(spec)
            .map_err(|(at, source)| ListenError::of(at, source))
    }

    /// For a service that is expected to run: binds what is missing. What cannot be bound is told
    /// when the service is to be launched.
    pub(super) fn hold(&mut self, spec: &ServiceSpec) {
        let _told_at_launch = self.bind_missing(spec);
    }

    /// Gives up what this specification does not have.
    pub(super) fn let_go(&mut self, spec: &ServiceSpec) {
        if let Some(held) = self.0.get_mut(&spec.name) {
            held.retain(|held| spec.listeners.contains(&held.at) && held.is_reachable());
        }
    }

    fn bind_missing(&mut self, spec: &ServiceSpec) -> Result<(), (Listener, io::Error)> {
        for at in &spec.listeners {
            if !self.holds(at) {
                let bound = Held::bind(at).map_err(|source| (at.clone(), source))?;
                self.0.entry(spec.name.clone()).or_default().push(bound);
            }
        }
        Ok(())
    }

    /// Nobody is to wait for the service any more.
    pub(super) fn close(&mut self, service: &ServiceName) {
        self.0.remove(service);
    }

    /// Closes those of services that are not known any more.
    pub(super) fn close_unless(&mut self, known: impl Fn(&ServiceName) -> bool) {
        self.0.retain(|service, _| known(service));
    }

    /// The service's sockets in the order of its specification; none if one of them is missing.
    pub(super) fn of(&self, spec: &ServiceSpec) -> Vec<BorrowedFd<'_>> {
        let held = self.0.get(&spec.name).map_or(&[][..], Vec::as_slice);
        let of = |at: &Listener| held.iter().find(|held| held.at == *at);
        let all: Option<Vec<_>> = spec.listeners.iter().map(of).collect();
        let all = all.unwrap_or_default().into_iter();
        all.map(|held| held.socket.as_fd()).collect()
    }

    /// Where the service can be reached now, for people.
    pub(super) fn addresses(&self, service: &ServiceName) -> Vec<String> {
        let held = self.0.get(service).into_iter().flatten();
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
            self.0.entry(service).or_default().push(held);
        }
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = &Held> {
        self.0.values().flatten()
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

/// The name may be there from an earlier daemon: this one has the lock.
fn bind_unix(path: &Path) -> io::Result<OwnedFd> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let socket = socket(AddressFamily::Unix, SockType::Stream, FLAGS, None)?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    // Nobody can connect before it listens.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listen(&socket, MOST)?;
    Ok(socket)
}

#[cfg(test)]
mod tests;
