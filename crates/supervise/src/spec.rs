//! What a service is: how it is launched, what it needs, how it is probed, restarted and stopped.
//!
//! Plain data, made once by whoever plans the stack and read by the machine (policy) and by the
//! runtime (how to launch, probe and stop). Nothing here acts.

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
    /// The working folder: one that no other service has, so that a process of this service can
    /// be told from another's where there is no cgroup.
    pub cwd: PathBuf,
}

/// How to find out whether a service does its work.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Probe {
    /// A GET whose answer has a status from 200 to 399.
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

/// Where an HTTP probe asks.
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
    /// Whether what connects to this address comes to this socket. One for all addresses of IPv6 is for those
    /// of IPv6 alone.
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
    /// Its command says so, in a way of its own. The sockets do not block.
    Command,
    /// By systemd's protocol, for programs that know sd_listen_fds(3): `LISTEN_FDS`, `LISTEN_PID` and
    /// `LISTEN_FDNAMES` in its environment. The sockets block when it is launched, as systemd's do.
    Systemd,
}

/// The phase between launch and ready.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Startup {
    /// Longer than this from launch to ready is a failed start.
    pub deadline: Duration,
    /// What makes the service ready; none: it is ready once it was launched.
    pub readiness: Option<Probe>,
    /// Where the service binds a TCP port by itself. What anybody else answers there, before the
    /// service does, is none of its readiness. Not needed for [`ServiceSpec::listeners`].
    pub listens: Option<SocketAddr>,
    /// From the end of one readiness probe to the next.
    pub every: Duration,
    /// Longer than this is a probe that failed.
    pub timeout: Duration,
    /// Runs after the readiness probe passed and before the service counts as ready.
    pub post_start: Option<Command>,
}

/// The phase after ready.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Liveness {
    /// What is asked.
    pub probe: Probe,
    /// From the end of one probe to the next.
    pub every: Duration,
    /// Longer than this is a probe that failed.
    pub timeout: Duration,
    /// So many failures in a row make the service unhealthy.
    pub failures: u32,
    /// So many failures in a row make it restart; none: it is never restarted for a probe.
    pub restart_after: Option<u32>,
    /// So many in a row that tell that it hangs make it restart; none: they count as failures.
    pub hung_after: Option<u32>,
}

/// When a service that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartMode {
    /// Whatever its exit was.
    Always,
    /// Unless it exited with 0.
    OnFailure,
    /// Never.
    Never,
}

/// Restart, back-off and giving up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RestartPolicy {
    /// Which exits count.
    pub mode: RestartMode,
    /// The second restart in a row waits this long, each further one twice as long. The first is
    /// at once.
    pub base: Duration,
    /// The longest wait.
    pub cap: Duration,
    /// So many restarts without `stable` in between, and the service has failed for good.
    pub burst: u32,
    /// Ready for this long earns the credit back.
    pub stable: Duration,
}

/// One step of stopping a service; the next begins when it is over. After the last one, whatever
/// is left is killed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StopStep {
    /// Run a command that ends when the service has drained.
    Run {
        /// The command.
        command: Command,
        /// Longer than this, and the next step begins.
        timeout: Duration,
    },
    /// Send a signal to the service's main process.
    Signal {
        /// The signal's number.
        signal: i32,
        /// Longer than this without an exit, and the next step begins.
        timeout: Duration,
    },
}

/// How a service that runs takes up files that have changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reload {
    /// Ends with 0 if the files are right. If it does not, the service is left alone and goes on with
    /// what it has read.
    pub check: Option<Command>,
    /// What makes it read them.
    pub action: ReloadAction,
    /// Longer than this, for the check and for a command, is a failure.
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

/// What the kernel is told to enforce. None: no limit.
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
    /// It runs to its end. What requires it waits until it has ended well.
    Task(Task),
    /// Somebody else runs it, perhaps on another machine: it is probed and never launched, and what
    /// requires it waits until it answers. Its readiness and its liveness are probes by a connection.
    External,
}

/// How a task runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Task {
    /// Longer than this is a failure.
    pub deadline: Duration,
    /// When it runs; none: once, when it is first wanted. Also whenever somebody starts it by name.
    pub schedule: Option<Schedule>,
}

/// When a task runs again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// So long after it has begun to wait.
    Every(Duration),
    /// At this minute of each day, local time.
    Daily {
        /// From midnight.
        minute: u16,
    },
}

/// SIGTERM.
pub(crate) const TERMINATE: i32 = 15;

/// All that is known of one service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceSpec {
    /// Its name.
    pub name: ServiceName,
    /// What it is.
    pub kind: ServiceKind,
    /// What is launched.
    pub command: Command,
    /// The files that it reads, each with a mark of its contents. Whoever writes them does so before
    /// the service is launched or reloads.
    pub files: BTreeMap<PathBuf, String>,
    /// The sockets that are held for it. Its main process gets the first as descriptor
    /// [`FIRST_LISTENER`], the second as the next, and so on.
    pub listeners: Vec<Listener>,
    /// How the main process learns of them.
    pub handover: Handover,
    /// Services that must be ready before it is launched.
    pub requires: BTreeSet<ServiceName>,
    /// Restart it when one of `requires` was restarted.
    pub restart_with_requirements: bool,
    /// From launch to ready.
    pub startup: Startup,
    /// After ready; none: only its exit is watched.
    pub liveness: Option<Liveness>,
    /// After an exit that nobody asked for.
    pub restart: RestartPolicy,
    /// The codes besides 0 of an exit that is no failure.
    pub success_exit: BTreeSet<i32>,
    /// How it takes up [`files`](Self::files) that have changed; none: by a restart.
    pub reload: Option<Reload>,
    /// How it is stopped.
    pub stop: Vec<StopStep>,
    /// How much it may use.
    pub limits: Limits,
    /// What else it may do.
    pub confinement: Confinement,
    /// How it is watched for leaks; none, or no limit of its memory: not at all.
    pub recycle: Option<RecyclePolicy>,
}

impl ServiceSpec {
    /// A daemon of which no more is said: it is ready once it was launched, started again after every end,
    /// and stopped by SIGTERM. Whoever plans a service says in what it differs.
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

    /// When it runs, if it is a task that does so again and again.
    pub fn schedule(&self) -> Option<Schedule> {
        self.task()?.schedule
    }

    /// Whether it has listeners that it is told of by systemd's protocol.
    pub fn is_activated(&self) -> bool {
        self.handover == Handover::Systemd && !self.listeners.is_empty()
    }

    /// Whether somebody else runs it.
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
