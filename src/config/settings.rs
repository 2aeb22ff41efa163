//! What the gateway is to be: the result of the configuration, from which everything else is made.
//!
//! This is plain data that was checked. Whoever has it need not check it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use supervise::spec::{Limits, Listener, RestartMode, ServiceName};

use super::values::Values;

/// All settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The resource profile's name.
    pub profile: String,
    /// What may be spent.
    pub budget: Budget,
    /// Where people reach the gateway.
    pub listen: Listen,
    /// How services that leak memory are restarted by plan.
    pub recycle: Recycle,
    /// The limits of every service, the profile's and the file's together.
    pub limits: BTreeMap<ServiceName, Limits>,
    /// Services of the user's own.
    pub custom: Vec<CustomService>,
    /// The variables that a person gives to built-in services.
    pub environments: BTreeMap<ServiceName, Variables>,
    /// The files of the user's own that built-in services read.
    pub files: BTreeMap<ServiceName, OwnFiles>,
    /// The names of the built-in services that are a part of the gateway.
    pub built_in: Vec<&'static str>,
    /// The value of every key, for the part of the program that declared the key.
    pub values: Values,
}

/// What may be spent in 30 days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// The amount in US dollars, a cent or more.
    pub usd: f64,
}

/// Where people reach the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address of `port`.
    pub address: IpAddr,
    /// The port of the pages and of the API that are for everybody.
    pub port: u16,
    /// The address of `admin_port`.
    pub admin_address: IpAddr,
    /// The port of the administrator's page.
    pub admin_port: u16,
}

/// A network, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// The first address of the network, or any address in it.
    pub address: IpAddr,
    /// How many bits of the address belong to the network's name.
    pub prefix: u8,
}

impl Network {
    const fn bits(address: IpAddr) -> u8 {
        match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if self.prefix == Self::bits(self.address) {
            return Ok(());
        }
        write!(f, "/{}", self.prefix)
    }
}

/// A text that is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let most = Self::bits(address);
        let prefix = match prefix {
            // No sign and no blank: a service reads it as well.
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| NoNetwork)?
            }
            Some(_) => return Err(NoNetwork),
            None => most,
        };
        (prefix <= most)
            .then_some(Self { address, prefix })
            .ok_or(NoNetwork)
    }
}

impl Settings {
    /// Whether this built-in service is a part of the gateway.
    pub fn has(&self, built_in: &str) -> bool {
        self.built_in.contains(&built_in)
    }

    /// Whether a service has an environment of the user's own, in which there may be keys.
    pub fn has_environment(&self) -> bool {
        let mut built_in = self.environments.values();
        let mut custom = self.custom.iter();
        custom.any(|own| !own.environment.is_empty()) || built_in.any(|own| !own.0.is_empty())
    }
}

/// Variables and their values. `Debug` shows only the names, because any value may be a key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(pub BTreeMap<String, String>);

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Files of the user's own. `Debug` shows only their paths, because there may be keys in them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OwnFiles {
    /// The file that the configuration names.
    pub root: PathBuf,
    /// The texts that were checked, by the paths.
    pub texts: BTreeMap<PathBuf, String>,
    /// The digests of files that the service itself reads, by the paths.
    pub digests: BTreeMap<PathBuf, String>,
}

impl fmt::Debug for OwnFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.texts.keys()).finish()
    }
}

/// How services that leak memory are restarted by plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recycle {
    /// Whether services that leak are restarted by plan at all.
    pub enabled: bool,
    /// The minute of the day, local time, at which a restart disturbs least. `None` if they are restarted
    /// only while they are idle.
    pub hour: Option<u16>,
    /// The time between two measurements of a service's memory.
    pub every: Duration,
    /// A service that was ready for less than this is left alone.
    pub youngest: Duration,
}

/// A service of the user's own, as `[service.NAME]` describes it.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomService {
    /// Its name.
    pub name: ServiceName,
    /// Whether it is a daemon, a task, or run by somebody else.
    pub kind: CustomKind,
    /// The program, an absolute path, and its arguments. It is empty if somebody else runs the service.
    pub command: Vec<String>,
    /// Its environment, besides PATH, HOME and LANG.
    pub environment: BTreeMap<String, String>,
    /// A file with more of its environment, in which there may be keys.
    pub environment_file: Option<PathBuf>,
    /// The addresses where it listens. Their sockets are held for it.
    pub listen: Vec<Listener>,
    /// The services that must be ready before it is started.
    pub requires: Vec<ServiceName>,
    /// What tells that it is ready. `None` if it is ready as soon as it was launched.
    pub probe: Option<CustomProbe>,
    /// When it is started again.
    pub restart: RestartMode,
    /// The exit codes besides 0 that are no failure.
    pub success_exit: BTreeSet<i32>,
    /// What makes it read its files again. `None` if only a restart does.
    pub reload: Option<CustomReload>,
    /// The most time from its launch until it is ready.
    pub start_timeout: Duration,
    /// The time from SIGTERM to SIGKILL.
    pub stop_timeout: Duration,
    /// Whether it is restarted by plan if it leaks.
    pub recycle: bool,
}

/// Whether a service of the user's own is a daemon, a task, or run by somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomKind {
    /// It runs until it is stopped.
    Daemon,
    /// It runs to its end.
    Task {
        /// The most time that a run may take. A longer run is a failure.
        deadline: Duration,
        /// When it runs. `None` if it runs once.
        schedule: Option<CustomSchedule>,
    },
    /// Somebody else runs it.
    External,
}

/// When a task runs again and again.
pub type CustomSchedule = supervise::spec::Schedule;

/// What makes a service of the user's own read its files again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomReload {
    /// The number of a signal that is sent to its main process.
    Signal(i32),
    /// A command that exits with 0 if it has worked.
    Run(Vec<String>),
}

/// `Debug` does not show the environment, because what a person puts into it may be a key.
impl fmt::Debug for CustomService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.keys().collect();
        f.debug_struct("CustomService")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("command", &self.command)
            .field("environment", &names)
            .field("listen", &self.listen)
            .field("requires", &self.requires)
            .field("probe", &self.probe)
            .field("restart", &self.restart)
            .finish_non_exhaustive()
    }
}

/// What tells whether a service of the user's own is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomProbe {
    /// The service answers at `http://host:port/path`.
    Http(String),
    /// Something accepts connections at `host:port`.
    Tcp(String),
    /// A command exits with 0.
    Exec(Vec<String>),
    /// The service sends `READY=1`.
    Notify,
    /// A line of the service's output contains this text.
    Log(String),
}
