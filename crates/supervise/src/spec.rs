//! What a service is: how it is launched, what it needs, how it is probed, restarted and stopped.
//!
//! This is plain data. Whoever plans the services makes it once; the machine reads the policies in it, and
//! the runtime reads how to launch, probe and stop. Nothing here acts.

mod name;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub use self::name::{InvalidName, NAME_MAX, ServiceName};
use crate::{confinement::Confinement, recycle::RecyclePolicy};

/// A value of an environment variable. A secret one never shows itself in `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum EnvValue {
    /// May be printed.
    Plain(String),
    /// Goes to the process and nowhere else.
    Secret(String),
}

impl EnvValue {
    /// The value for the process itself.
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(value) | Self::Secret(value) => value,
        }
    }
}

impl fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(value) => write!(f, "{value:?}"),
            Self::Secret(_) => f.write_str("<secret>"),
        }
    }
}

/// One process to launch. Its environment is exactly `env`: nothing is inherited.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Command {
    /// An absolute path.
    pub program: PathBuf,
    /// The arguments after the program's name. Never a secret: every user can read them.
    pub args: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, EnvValue>,
    /// The working folder. No other service has the same one, so that processes of this service can be
    /// recognised by it where there is no cgroup.
    pub cwd: PathBuf,
}

/// How to find out whether a service does its work.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Probe {
    /// An HTTP GET whose answer has a status from 200 to 399.
    Http(HttpTarget),
    /// Something accepts connections at `host:port`.
    Tcp(String),
    /// A command that exits with 0.
    Exec(Command),
    /// PostgreSQL answers a start-up packet on the socket in this folder without saying that it
    /// is still starting.
    Postgres {
        /// The folder that holds `.s.PGSQL.<port>`.
        socket_dir: PathBuf,
        /// The number in the socket's name.
        port: u16,
    },
    /// The service itself sends `READY=1`. For readiness only.
    Notify,
    /// A line of output contains this text. For readiness only.
    LogLine(String),
}

/// What an HTTP probe requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpTarget {
    /// The server.
    pub at: Address,
    /// The path, from its first slash on.
    pub path: String,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// `host:port`.
    Tcp(String),
    /// A Unix socket.
    Unix(PathBuf),
}

/// A listening socket that the supervisor binds and keeps for a service.
///
/// It is bound before the service's first launch and stays bound while the service restarts, so
/// nobody else can take its address and clients wait in its queue instead of being refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listener {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A Unix socket of mode 0600.
    Unix(PathBuf),
}

impl Listener {
    /// Whether a connection to this address arrives at this socket. A socket for all IPv6 addresses accepts
    /// IPv6 connections only.
    pub fn takes(&self, at: SocketAddr) -> bool {
        let Self::Tcp(here) = self else {
            return false;
        };
        let all = here.ip().is_unspecified() && here.is_ipv4() == at.is_ipv4();
        here.port() == at.port() && (all || here.ip() == at.ip())
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The number of a service's first listener in its main process; the others follow in the order of
/// [`ServiceSpec::listeners`]. The same as systemd's `SD_LISTEN_FDS_START`.
pub const FIRST_LISTENER: usize = 3;

/// How a main process learns which listeners it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Handover {
    /// By its command line, in the program's own way. The sockets are non-blocking.
    Command,
    /// By systemd's protocol, for programs that know sd_listen_fds(3): `LISTEN_FDS`, `LISTEN_PID` and
    /// `LISTEN_FDNAMES` in its environment. The sockets are blocking at the launch, as systemd's are.
    Systemd,
}

/// The phase between launch and ready.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Startup {
    /// If the service is not ready this long after its launch, the start has failed.
    pub deadline: Duration,
    /// The readiness probe. Default: no probe; the service counts as ready as soon as it has been launched.
    pub readiness: Option<Probe>,
    /// The TCP port that the service binds by itself. If another program answers there before the service
    /// does, the probe does not count as passed. Not needed for [`ServiceSpec::listeners`].
    pub listens: Option<SocketAddr>,
    /// The pause between the end of one readiness probe and the start of the next.
    pub every: Duration,
    /// A probe that takes longer than this has failed.
    pub timeout: Duration,
    /// Runs after the readiness probe passed and before the service counts as ready.
    pub post_start: Option<Command>,
}

/// The phase after ready.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Liveness {
    /// The liveness probe.
    pub probe: Probe,
    /// The pause between the end of one probe and the start of the next.
    pub every: Duration,
    /// A probe that takes longer than this has failed.
    pub timeout: Duration,
    /// After this many failures in a row the service is unhealthy.
    pub failures: u32,
    /// After this many failures in a row the service is restarted. `None`: it is never restarted because of
    /// its probe.
    pub restart_after: Option<u32>,
    /// After this many failures in a row that show that it hangs, the service is restarted. `None`: they
    /// count like other failures.
    pub hung_after: Option<u32>,
}

/// Which exits of the main process lead to a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartMode {
    /// Every exit.
    Always,
    /// Every exit but a successful one.
    OnFailure,
    /// No exit.
    Never,
}

/// Restart, back-off and giving up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RestartPolicy {
    /// Which exits lead to a restart.
    pub mode: RestartMode,
    /// The pause before the second restart in a row. Each further restart waits twice as long; the first
    /// one is immediate.
    pub base: Duration,
    /// The longest pause.
    pub cap: Duration,
    /// After this many restarts, without being ready for `stable` in between, the service has failed for
    /// good.
    pub burst: u32,
    /// A service that was ready for this long gets its full restart credit back.
    pub stable: Duration,
}

/// One step of stopping a service. The next step begins when this one is over. After the last one, the
/// processes that are left are killed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StopStep {
    /// Run a command that ends when the service has drained.
    Run {
        /// The command.
        command: Command,
        /// After this time the next step begins, even if the command still runs.
        timeout: Duration,
    },
    /// Send a signal to the service's main process.
    Signal {
        /// The signal's number.
        signal: i32,
        /// If the process has not ended after this time, the next step begins.
        timeout: Duration,
    },
}

/// How a running service takes up files that have changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reload {
    /// A command that exits with 0 if the files are valid. If it fails, the service is not reloaded and
    /// goes on with the files that it has read.
    pub check: Option<Command>,
    /// What makes the service read them.
    pub action: ReloadAction,
    /// The check and the command of the action fail if they take longer than this.
    pub timeout: Duration,
}

/// What makes a service read its files again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReloadAction {
    /// A signal to its main process.
    Signal(i32),
    /// A command that ends with 0 when the service has read them.
    Run(Command),
}

/// The limits that the kernel enforces. `None` means no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// `memory.max`, in bytes.
    pub memory_max: Option<u64>,
    /// `memory.high`, in bytes.
    pub memory_high: Option<u64>,
    /// `cpu.max`, in thousandths of one CPU.
    pub cpu_milli: Option<u32>,
    /// `cpu.weight`, 1 to 10000.
    pub cpu_weight: Option<u32>,
    /// `io.weight`, 1 to 10000.
    pub io_weight: Option<u32>,
    /// `pids.max`.
    pub pids_max: Option<u64>,
}

/// What kind of thing a service is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// It runs until it is stopped.
    Daemon,
    /// It runs until it has done its work. Services that require it wait until it has ended well.
    Task(Task),
    /// Somebody else runs it, perhaps on another machine. It is probed and never launched, and services
    /// that require it wait until it answers. Its readiness and liveness probes have to be ones that
    /// connect to it.
    External,
}

/// How a task runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Task {
    /// A run that takes longer than this has failed.
    pub deadline: Duration,
    /// When it runs. Without a schedule it runs once, when it is first asked to run. It also runs whenever
    /// somebody starts it by name.
    pub schedule: Option<Schedule>,
}

/// When a task runs again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// This long after it began to wait: after the end of its last run, or after it was first asked to run.
    Every(Duration),
    /// Every day at this minute, local time.
    Daily {
        /// Minutes since midnight.
        minute: u16,
    },
}

/// The number of SIGTERM.
pub(crate) const TERMINATE: i32 = 15;

/// The complete description of one service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceSpec {
    /// Its name.
    pub name: ServiceName,
    /// Whether it is a daemon, a task or an external service.
    pub kind: ServiceKind,
    /// The command of its main process.
    pub command: Command,
    /// The files that it reads, each with a mark that changes with the contents. They are written before
    /// the service is launched or reloaded.
    pub files: BTreeMap<PathBuf, String>,
    /// The sockets that are held for it. Its main process gets the first as descriptor
    /// [`FIRST_LISTENER`], the second as the next, and so on.
    pub listeners: Vec<Listener>,
    /// How the main process learns which sockets those are.
    pub handover: Handover,
    /// The services that have to be ready before it is launched.
    pub requires: BTreeSet<ServiceName>,
    /// Whether it is restarted when one of `requires` was restarted.
    pub restart_with_requirements: bool,
    /// The phase from launch to ready.
    pub startup: Startup,
    /// The phase after ready. `None`: there is no liveness probe, and only the exit of the main process is
    /// noticed.
    pub liveness: Option<Liveness>,
    /// What follows when the main process ends without a request.
    pub restart: RestartPolicy,
    /// The exit codes besides 0 that count as a success.
    pub success_exit: BTreeSet<i32>,
    /// How it takes up [`files`](Self::files) that have changed. `None`: it is restarted.
    pub reload: Option<Reload>,
    /// How it is stopped.
    pub stop: Vec<StopStep>,
    /// How much it may use.
    pub limits: Limits,
    /// What it may read, write, execute and connect to.
    pub confinement: Confinement,
    /// How it is watched for memory leaks. `None`: not at all. Without a memory limit it is not watched
    /// either.
    pub recycle: Option<RecyclePolicy>,
}

impl ServiceSpec {
    /// A daemon with default values: it is ready as soon as it has been launched, is restarted after every
    /// exit, and is stopped by SIGTERM. Whoever plans a service changes what differs.
    pub fn daemon(name: ServiceName, command: Command) -> Self {
        let second = Duration::from_secs(1);
        Self {
            name,
            kind: ServiceKind::Daemon,
            command,
            files: BTreeMap::new(),
            listeners: Vec::new(),
            handover: Handover::Command,
            requires: BTreeSet::new(),
            restart_with_requirements: false,
            startup: Startup {
                deadline: 90 * second,
                readiness: None,
                listens: None,
                every: second / 4,
                timeout: 5 * second,
                post_start: None,
            },
            liveness: None,
            restart: RestartPolicy {
                mode: RestartMode::Always,
                base: second,
                cap: 60 * second,
                burst: 10,
                stable: 60 * second,
            },
            success_exit: BTreeSet::new(),
            reload: None,
            stop: vec![StopStep::Signal {
                signal: TERMINATE,
                timeout: 10 * second,
            }],
            limits: Limits::default(),
            confinement: Confinement::Unconfined,
            recycle: None,
        }
    }

    /// How it runs, if it is a task.
    pub const fn task(&self) -> Option<&Task> {
        match &self.kind {
            ServiceKind::Task(task) => Some(task),
            ServiceKind::Daemon | ServiceKind::External => None,
        }
    }

    /// The schedule, if it is a task that has one.
    pub fn schedule(&self) -> Option<Schedule> {
        self.task()?.schedule
    }

    /// Whether it has listeners and learns of them by systemd's protocol.
    pub fn is_activated(&self) -> bool {
        self.handover == Handover::Systemd && !self.listeners.is_empty()
    }

    /// Whether it is an external service.
    pub const fn is_external(&self) -> bool {
        matches!(self.kind, ServiceKind::External)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_in_debug_output() {
        let value = EnvValue::Secret("hunter2".into());
        assert_eq!(format!("{value:?}"), "<secret>");
        assert_eq!(value.expose(), "hunter2");
    }
}
