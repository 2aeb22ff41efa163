//! Whether the ports are free, and if not, which program has them. The kernel is asked by an attempt to
//! bind each port, because no other answer is reliable.

use std::{
    collections::HashSet,
    fmt, fs, io,
    net::{SocketAddr, TcpListener},
};

use supervise::spec::Listener;
use sys::{listeners, proc};

use super::{Loaded, Origin, Report, report::Problem, settings::Settings};

/// How far from a taken port a free one is searched for.
const NEARBY: u16 = 100;

/// A port that cannot be listened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenPort {
    /// Its key.
    pub key: String,
    /// The address.
    pub address: SocketAddr,
    /// Where the value came from.
    pub origin: Origin,
    /// Why not.
    pub reason: Reason,
    /// A port nearby that is free.
    pub free: Option<u16>,
}

/// Why a port cannot be listened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A process listens on it.
    Held {
        /// The number of the process.
        pid: u32,
        /// The name of its program.
        name: String,
    },
    /// A process of which we may not see the descriptors listens on it.
    HeldBySomebody,
    /// Only root, or a process with CAP_NET_BIND_SERVICE, may listen on it.
    Privileged,
    /// The address is not one of this machine's.
    NotOurs,
    /// The kernel gave another error.
    Other(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { pid, name } => write!(f, "{name} (process {pid}) listens on it"),
            Self::HeldBySomebody => f.write_str("a process of another user listens on it"),
            Self::Privileged => f.write_str("ports below 1024 need CAP_NET_BIND_SERVICE"),
            Self::NotOurs => f.write_str("this machine does not have that address"),
            Self::Other(error) => f.write_str(error),
        }
    }
}

/// One line: what is wrong, where, why, and what to do.
impl fmt::Display for TakenPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            address,
            origin,
            reason,
            free,
        } = self;
        write!(f, "cannot listen on {address} ({key}, {origin}): {reason}")?;
        match free {
            Some(free) if self.is_the_gateways() => {
                write!(f, ": stop it, or set {key} = {free}, which is free")
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl TakenPort {
    /// Whether the gateway cannot work without this port. An address of a service of the user's own is not
    /// such a port.
    pub fn is_the_gateways(&self) -> bool {
        GATEWAYS.contains(&self.key.as_str())
    }

    /// Whether one of these processes has the port.
    pub fn is_held_by_one_of(&self, processes: &HashSet<i32>) -> bool {
        let Reason::Held { pid, .. } = self.reason else {
            return false;
        };
        i32::try_from(pid).is_ok_and(|pid| processes.contains(&pid))
    }
}

/// The keys of the gateway's own ports.
const GATEWAYS: [&str; 2] = ["listen.port", "listen.admin_port"];

/// The key of the address that belongs to the port with this key. For a service of the user's own both are
/// one key.
pub fn address_key(port: &str) -> &str {
    match port {
        "listen.port" => "listen.address",
        "listen.admin_port" => "listen.admin_address",
        other => other,
    }
}

/// Every TCP port on which the gateway or its services listen, with its key.
pub fn wanted(settings: &Settings) -> Vec<(String, SocketAddr)> {
    let listen = &settings.listen;
    let [port, admin_port] = GATEWAYS.map(str::to_owned);
    let gateways = [
        (port, SocketAddr::new(listen.address, listen.port)),
        (
            admin_port,
            SocketAddr::new(listen.admin_address, listen.admin_port),
        ),
    ];
    let customs = settings.custom.iter().flat_map(|service| {
        let key = format!("service.{}.listen", service.name);
        let addresses = service.listen.iter().filter_map(|at| match at {
            Listener::Tcp(address) => Some(*address),
            Listener::Unix(_) => None,
        });
        addresses.map(move |address| (key.clone(), address))
    });
    gateways.into_iter().chain(customs).collect()
}

/// The ports that cannot be bound now. While the gateway itself runs, these are its own ports.
pub fn in_use(loaded: &Loaded) -> Vec<TakenPort> {
    let ports = wanted(&loaded.settings);
    let numbers: Vec<u16> = ports.iter().map(|(_, at)| at.port()).collect();
    let taken = ports.into_iter().filter_map(|(key, address)| {
        let error = TcpListener::bind(address).err()?;
        let reason = reason(&error, address.port());
        let elsewhere = reason == Reason::NotOurs;
        Some(TakenPort {
            origin: loaded.origin(&key),
            key,
            address,
            reason,
            free: (!elsewhere).then(|| free_near(address, &numbers)).flatten(),
        })
    });
    taken.collect()
}

/// The same as a report, which shows where each port is set.
pub fn report(loaded: &Loaded, taken: &[TakenPort]) -> Report {
    let problems = taken.iter().map(|taken| {
        let TakenPort {
            key,
            address,
            origin,
            reason,
            free,
        } = taken;
        let place = loaded.places.get(key.as_str()).cloned();
        let mut problem = Problem::error(format!("cannot listen on {address}"));
        if place.is_none() {
            problem = problem.note(format!(
                "{reason}; `{key}` is {} by {origin}",
                address.port()
            ));
        }
        problem.at(place, reason.to_string()).help(free.map(|free| {
            if taken.is_the_gateways() {
                format!("port {free} is free: {key} = {free}")
            } else {
                format!("\"{}\" is free", SocketAddr::new(address.ip(), free))
            }
        }))
    });
    Report::new(problems.collect(), loaded.sources.clone())
}

fn reason(error: &io::Error, port: u16) -> Reason {
    match error.kind() {
        io::ErrorKind::AddrInUse => holder(port).map_or(Reason::HeldBySomebody, |(pid, name)| {
            Reason::Held { pid, name }
        }),
        io::ErrorKind::PermissionDenied => Reason::Privileged,
        io::ErrorKind::AddrNotAvailable => Reason::NotOurs,
        _ => Reason::Other(error.to_string()),
    }
}

fn free_near(address: SocketAddr, not: &[u16]) -> Option<u16> {
    let first = address.port().max(1023).checked_add(1)?;
    (first..=first.saturating_add(NEARBY))
        .filter(|port| !not.contains(port))
        .find(|&port| TcpListener::bind((address.ip(), port)).is_ok())
}

/// The process that listens on a port, if we may see it.
pub(crate) fn holder(port: u16) -> Option<(u32, String)> {
    let listeners = listeners::on_port(port).ok()?;
    let processes = proc::all().ok()?.into_iter();
    let holds = |pid| listeners::held_by(pid, &listeners).unwrap_or(false);
    let pid = processes
        .map(|process| process.pid)
        .find(|&pid| holds(pid))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some((pid.unsigned_abs(), name.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Input, load};
    use crate::services;

    fn loaded(text: &str) -> Loaded {
        load(&Input {
            schema: services::schema(),
            file: Some(("gateway.toml".into(), text.into())),
            env: &|_| None,
            flags: &[],
            machine: None,
        })
        .unwrap()
    }

    #[test]
    fn who_holds_a_port_is_named_with_where_it_is_set_and_a_free_one() {
        let here = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = here.local_addr().unwrap().port();
        let other = port.saturating_add(1);
        let loaded = loaded(&format!("[listen]\nport = {port}\nadmin_port = {other}\n"));
        let taken = in_use(&loaded);
        let found = taken
            .iter()
            .find(|taken| taken.key == "listen.port")
            .unwrap();
        let name = fs::read_to_string("/proc/self/comm")
            .unwrap()
            .trim()
            .to_owned();
        let pid = std::process::id();
        assert_eq!(found.reason, Reason::Held { pid, name });
        assert_ne!(found.free, Some(port));
        // The other port of ours is free, and not to be had.
        assert!(found.free.is_some_and(|free| free > other), "{found:?}");
        let line = found.to_string();
        assert!(line.contains("(listen.port, gateway.toml:2)"), "{line}");
        let shown = report(&loaded, &taken).to_string();
        assert!(shown.contains(&format!("2 | port = {port}")), "{shown}");
    }

    #[test]
    fn a_free_port_is_no_problem() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let loaded = loaded(&format!("listen.port = {port}"));
        let taken = in_use(&loaded);
        assert!(
            taken.iter().all(|taken| taken.key != "listen.port"),
            "{taken:?}"
        );
    }

    #[test]
    fn an_address_of_another_machine_is_told_apart() {
        // 192.0.2.0/24 is for documentation: nobody has it.
        let loaded = loaded("listen.address = \"192.0.2.1\"");
        let taken = in_use(&loaded);
        assert_eq!(taken[0].reason, Reason::NotOurs);
        assert_eq!(taken[0].free, None);
    }

    #[test]
    fn an_address_of_a_service_of_ones_own_is_looked_at_too() {
        let here = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = here.local_addr().unwrap();
        let loaded = loaded(&format!(
            "[service.web]\ncommand = [\"/web\"]\nlisten = [\"unix:/web.sock\", \"{address}\"]\n"
        ));
        let taken = in_use(&loaded);
        let found = taken.iter().find(|taken| taken.key == "service.web.listen");
        let found = found.unwrap();
        assert_eq!(found.address, address);
        assert!(!found.is_the_gateways());
        let shown = report(&loaded, std::slice::from_ref(found)).to_string();
        let free = SocketAddr::new(address.ip(), found.free.unwrap());
        assert!(shown.contains("3 | listen = "), "{shown}");
        assert!(shown.contains(&format!("\"{free}\" is free")), "{shown}");
    }
}
