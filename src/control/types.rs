//! What the daemon and the command line say to each other.
//!
//! The names and shapes of [`GatewayStatus`] are a contract: `ai-gateway status --json` prints it as
//! it stands, and other people's scripts read it. Sizes are in bytes, times are RFC 3339.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use supervise::{effect::StateName, spec::ServiceName};

/// The whole gateway at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GatewayStatus {
    /// The services taken together.
    pub state: GatewayState,
    /// The resource profile's name.
    pub profile: String,
    /// Whether the kernel enforces the limits.
    pub limits: LimitsState,
    /// Where people reach the gateway.
    pub urls: Urls,
    /// How the configuration file differs from what runs.
    #[serde(default)]
    pub configuration: ConfigurationState,
    /// Which measures of the diet were skipped.
    #[serde(default)]
    pub diet: DietState,
    /// Every service by its name.
    pub services: BTreeMap<ServiceName, ServiceStatus>,
}

/// How the configuration file differs from what runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationState {
    /// The keys whose value in effect is not the one in the file. If a whole table is new or gone, it is the
    /// table's name.
    pub differs: Vec<String>,
    /// What is wrong with the file, so that the next start or reload would refuse it.
    #[serde(default)]
    pub invalid: Option<String>,
    /// Why the last reload was refused. `None` if it was not refused.
    pub refused: Option<String>,
}

/// Which measures of the diet were skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DietState {
    /// The measures that services have skipped at their last start.
    pub skipped: Vec<SkippedMeasure>,
}

/// A measure of the diet that a service skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedMeasure {
    /// The service.
    pub service: ServiceName,
    /// The measure's key in `[diet]`.
    pub measure: String,
    /// Why it was skipped.
    pub reason: String,
}

/// The services taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayState {
    /// There is no daemon, or nothing runs and nothing is meant to run.
    Stopped,
    /// The services are starting.
    Starting,
    /// Every service that is meant to run is ready.
    Ready,
    /// A service that is meant to run was ready and is not ready now, or has failed.
    Degraded,
    /// The services are stopping.
    Stopping,
}

/// Whether the kernel enforces the limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsState {
    /// Whether all limits are enforced.
    pub enforced: bool,
    /// Why they are not enforced, and how to mend that.
    pub reason: Option<String>,
}

/// Where people reach the gateway: addresses by their names. An address is `None` if what is reached there is
/// not a part of this gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Urls(pub BTreeMap<String, Option<String>>);

impl Urls {
    /// The address of this name, if there is one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }
}

impl<'a> FromIterator<(&'a str, Option<String>)> for Urls {
    fn from_iter<T: IntoIterator<Item = (&'a str, Option<String>)>>(urls: T) -> Self {
        let urls = urls.into_iter();
        Self(urls.map(|(name, url)| (name.to_owned(), url)).collect())
    }
}

/// One service at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its state.
    pub state: StateName,
    /// Since when it has been in that state, in RFC 3339.
    pub since: String,
    /// Why it is in that state, in words.
    pub reason: String,
    /// The number of its main process.
    pub pid: Option<u32>,
    /// How often it was restarted without being asked to, since the daemon began.
    pub restarts: u32,
    /// Why it goes on with older files than those of the configuration. `None` if it does not.
    #[serde(default)]
    pub outdated: Option<String>,
    /// The sockets that the daemon holds for it now: `ADDRESS:PORT`, or `unix:PATH`.
    #[serde(default)]
    pub listens: Vec<String>,
    /// Its cgroup's path under the cgroup file system, if it has a cgroup of its own.
    pub cgroup: Option<String>,
    /// How much memory it uses, and how much it may use.
    pub memory: Memory,
    /// How much CPU time it has used, and how much it may use.
    pub cpu: Cpu,
}

/// The memory of a service, in bytes. A value is `None` if it is not known, or if there is no such limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// What it uses now: the figure of its cgroup, or the sum of the proportional set sizes of its processes.
    pub current: Option<u64>,
    /// The most that it has used.
    pub peak: Option<u64>,
    /// The limit above which the kernel slows the service down.
    pub high: Option<u64>,
    /// The limit above which the kernel kills the service.
    pub max: Option<u64>,
}

/// The CPU time of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// What it has used, in microseconds.
    pub usage_usec: Option<u64>,
    /// The most that it may use, in CPUs (1.5 is one and a half). `None` if there is no limit.
    pub quota: Option<f64>,
}

/// What explains a service's current state. `why` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// The name of the service.
    pub service: ServiceName,
    /// Its status now.
    pub status: ServiceStatus,
    /// Its latest changes of state, oldest first.
    pub history: Vec<HistoryEntry>,
}

/// One change of a service's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When the state changed, in RFC 3339.
    pub at: String,
    /// The new state.
    pub state: StateName,
    /// Why the state changed, in words.
    pub reason: String,
}

/// Where the time of a start went. `blame` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blame {
    /// When the start began, in RFC 3339.
    pub began: String,
    /// The time since then, in microseconds.
    pub now_usec: u64,
    /// The services that took part in it.
    pub services: BTreeMap<ServiceName, ServiceStart>,
}

/// How the start of one service went. Times are in microseconds since the whole start began. A time is `None`
/// if that step was not reached yet, or if the service has no such step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStart {
    /// Its state now.
    pub state: StateName,
    /// The services that it requires.
    pub requires: Vec<ServiceName>,
    /// When it began to wait for what it requires.
    pub wanted_usec: Option<u64>,
    /// The service that became ready last among those that it requires, if it waited for one.
    pub waited_for: Option<ServiceName>,
    /// When it was launched.
    pub launched_usec: Option<u64>,
    /// When a service in Python had imported its modules.
    pub imported_usec: Option<u64>,
    /// When the application of a service in Python had started.
    pub started_usec: Option<u64>,
    /// When its readiness probe passed.
    pub answered_usec: Option<u64>,
    /// When its post-start command was done and it was ready. A service without such a command is ready when
    /// its probe passes.
    pub ready_usec: Option<u64>,
}

/// What a reload would do now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The services that it would touch, in the order of their names.
    pub services: Vec<ServicePreview>,
    /// The keys whose values differ.
    pub keys: Vec<KeyPreview>,
}

/// What a reload would do to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePreview {
    /// The name of the service.
    pub service: ServiceName,
    /// What happens to it.
    pub step: ReloadStep,
    /// Which parts of its specification change.
    pub fields: Vec<String>,
    /// Why it restarts although less would be enough otherwise: it holds more memory than its new limits
    /// allow.
    pub over_limit: Option<String>,
}

/// What one key would change if it were the only one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPreview {
    /// The key's dotted name, or the table of a service that is new or gone.
    pub key: String,
    /// The services that it would touch. It is empty if the key changes nothing alone, or nothing while they
    /// run.
    pub services: BTreeMap<ServiceName, ReloadStep>,
    /// Why some of these services restart: they hold more memory than their new limits allow. A daemon of an
    /// older version does not send this.
    #[serde(default)]
    pub over_limit: BTreeMap<ServiceName, String>,
}

/// What a reload does to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReloadStep {
    /// The service is new and is started.
    Start,
    /// The service goes on and notices nothing.
    Live,
    /// The service goes on and reads its files again.
    Reload,
    /// The service is restarted.
    Restart,
    /// The service does not run, and takes the change up when it starts.
    NextStart,
    /// The service is gone and is stopped.
    Stop,
}

/// What can be asked of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// Asks for the status. It is answered at once.
    Status,
    /// Starts one service, or all. It is answered when they are ready.
    Start(Option<ServiceName>),
    /// Stops one service, which is answered when it is stopped; or all, which is answered when the daemon
    /// ends.
    Stop(Option<ServiceName>),
    /// Restarts one service, or all. It is answered when they are ready again.
    Restart(Option<ServiceName>),
    /// Reads the configuration again and has each service take up what has changed; or has one service read
    /// its files again. It is answered when that is done.
    Reload(Option<ServiceName>),
    /// Asks what a reload would do, and changes nothing.
    Preview,
    /// Asks for the history of one service. It is answered at once.
    Why(ServiceName),
    /// Asks how the last start of all services went, or the newest start of one. It is answered at once.
    Blame(Option<ServiceName>),
}

/// What the daemon answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The answer to [`Call::Status`].
    Status(Box<GatewayStatus>),
    /// What was asked for is done. The lines say what a person may want to know about it.
    Done(Vec<String>),
    /// The answer to [`Call::Why`].
    Why(Box<Why>),
    /// The answer to [`Call::Blame`].
    Blame(Box<Blame>),
    /// The answer to [`Call::Preview`].
    Preview(Box<Preview>),
}

/// Why the daemon does not do what it was asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// There is no such service.
    #[error("no service is named {name}: there are {}", known.join(", "))]
    UnknownService {
        /// The name that was asked for.
        name: String,
        /// The names of the services that there are.
        known: Vec<String>,
    },
    /// It was tried and failed, or it cannot be done now.
    #[error("{0}")]
    Failed(String),
    /// The configuration that was read again is wrong. The text is the report.
    #[error("{0}")]
    Configuration(String),
    /// The daemon is going down and accepts no more calls.
    #[error("the daemon is shutting down")]
    Ending,
}
