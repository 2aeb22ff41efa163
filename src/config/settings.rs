//! What the gateway is to be: the end of configuration, the beginning of everything else.
//!
//! Plain data that was checked; whoever holds it need not check again.

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

/// All settings, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The resource profile's name.
    pub profile: String,
    /// What may be spent.
    pub budget: Budget,
    /// Where people reach the gateway.
    pub listen: Listen,
    /// What becomes of services that leak.
    pub recycle: Recycle,
    /// The limits of every service, the profile's and the file's together.
    pub limits: BTreeMap<ServiceName, Limits>,
    /// Services of the user's own.
    pub custom: Vec<CustomService>,
    /// Those services that the gateway brings along and that are a part of it.
    pub built_in: Vec<&'static str>,
    /// The value of every key, for whoever declared one.
    pub values: Values,
}

/// What may be spent in 30 days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// In US dollars, a cent or more.
    pub usd: f64,
}

/// Where people reach the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address of `port`.
    pub address: IpAddr,
    /// Open WebUI and the API, through nginx.
    pub port: u16,
    /// The address of `admin_port`.
    pub admin_address: IpAddr,
    /// LiteLLM's own API and its admin page, through nginx.
    pub admin_port: u16,
}

/// A network, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Its first address, or one in it.
    pub address: IpAddr,
    /// How many bits of it count.
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
            // No sign and no blank: nginx reads it as well.
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
    /// Whether a service that the gateway brings along is a part of it.
    pub fn has(&self, built_in: &str) -> bool {
        self.built_in.contains(&built_in)
    }

    /// Whether a service of one's own has an environment, in which there may be keys.
    pub fn has_environment(&self) -> bool {
        self.custom.iter().any(|own| !own.environment.is_empty())
    }
}

/// What becomes of services that leak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recycle {
    /// Whether they are restarted by plan.
    pub enabled: bool,
    /// The minute of the day, local time, at which that disturbs least; none: only when idle.
    pub hour: Option<u16>,
    /// From one look at a service's memory to the next.
    pub every: Duration,
    /// A service that was ready for less than this is left alone.
    pub youngest: Duration,
}

/// A service of the user's own, as `[service.NAME]` says it.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomService {
    /// Its name.
    pub name: ServiceName,
    /// What it is.
    pub kind: CustomKind,
    /// The program, an absolute path, and its arguments; empty if somebody else runs it.
    pub command: Vec<String>,
    /// Its environment besides PATH, HOME and LANG.
    pub environment: BTreeMap<String, String>,
    /// A file with more of it, which may be keys.
    pub environment_file: Option<PathBuf>,
    /// Where it listens, on sockets that are held for it.
    pub listen: Vec<Listener>,
    /// What must be ready before it.
    pub requires: Vec<ServiceName>,
    /// What makes it ready; none: being launched does.
    pub probe: Option<CustomProbe>,
    /// When it is started again.
    pub restart: RestartMode,
    /// The codes besides 0 of an exit that is no failure.
    pub success_exit: BTreeSet<i32>,
    /// What makes it read its files again; none: only a restart.
    pub reload: Option<CustomReload>,
    /// From launch to ready, at most.
    pub start_timeout: Duration,
    /// From SIGTERM to SIGKILL.
    pub stop_timeout: Duration,
    /// Whether it is restarted by plan if it leaks.
    pub recycle: bool,
}

/// What a service of the user's own is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomKind {
    /// It runs until it is stopped.
    Daemon,
    /// It runs to its end.
    Task {
        /// Longer than this is a failure.
        deadline: Duration,
        /// When; none: once.
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
    /// The number of a signal to its main process.
    Signal(i32),
    /// A command that ends with 0.
    Run(Vec<String>),
}

/// What a person puts into an environment may be a key.
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

/// The probe of a service of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomProbe {
    /// `http://host:port/path`.
    Http(String),
    /// `host:port`.
    Tcp(String),
    /// A command that exits with 0.
    Exec(Vec<String>),
    /// It sends `READY=1`.
    Notify,
    /// A line of its output contains this.
    Log(String),
}
