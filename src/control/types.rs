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
    /// Where people reach it.
    pub urls: Urls,
    /// The configuration file against what runs.
    #[serde(default)]
    pub configuration: ConfigurationState,
    /// What of the diet was not done.
    #[serde(default)]
    pub diet: DietState,
    /// Every service by its name.
    pub services: BTreeMap<ServiceName, ServiceStatus>,
}

/// The configuration file against what runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationState {
    /// The keys whose value in effect is not the file's, or a table's name where all of it is new
    /// or gone.
    pub differs: Vec<String>,
    /// What is wrong with the file, so that the next start or reload would refuse it.
    #[serde(default)]
    pub invalid: Option<String>,
    /// Why the last reload was refused; none: it was not.
    pub refused: Option<String>,
}

/// What of the diet was not done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DietState {
    /// Measures that services skipped at their last start.
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
    /// No daemon, or nothing runs and nothing is meant to.
    Stopped,
    /// On the way to ready.
    Starting,
    /// Every service that is meant to run is ready.
    Ready,
    /// Some service that is meant to run was ready and is not, or has failed.
    Degraded,
    /// On the way to stopped.
    Stopping,
}

/// Whether the kernel enforces the limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsState {
    /// All of them.
    pub enforced: bool,
    /// Why not, and what mends it.
    pub reason: Option<String>,
}

/// Where people reach the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Urls {
    /// Open WebUI; none: it is not a part of the stack.
    pub webui: Option<String>,
    /// The base of an OpenAI client.
    pub api: String,
    /// LiteLLM's admin page.
    pub admin: String,
}

/// One service at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its state.
    pub state: StateName,
    /// Since when it has been in that state, RFC 3339.
    pub since: String,
    /// Why it is in that state, in words.
    pub reason: String,
    /// Its main process.
    pub pid: Option<u32>,
    /// Restarts that nobody asked for, since the daemon began.
    pub restarts: u32,
    /// Why it goes on with older files than the configuration has; none: it does not.
    #[serde(default)]
    pub outdated: Option<String>,
    /// The sockets that the daemon holds for it now: `ADDRESS:PORT`, or `unix:PATH`.
    #[serde(default)]
    pub listens: Vec<String>,
    /// Its cgroup's path under the cgroup file system, where it has one.
    pub cgroup: Option<String>,
    /// Its memory.
    pub memory: Memory,
    /// Its CPU.
    pub cpu: Cpu,
}

/// Memory of a service, in bytes. None: not known, or no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Now: the cgroup's, or the sum of its processes' proportional set sizes.
    pub current: Option<u64>,
    /// The most so far.
    pub peak: Option<u64>,
    /// Where throttling begins.
    pub high: Option<u64>,
    /// Where the kernel kills.
    pub max: Option<u64>,
}

/// CPU of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// Used so far, in microseconds.
    pub usage_usec: Option<u64>,
    /// The most it may use, in CPUs (1.5 is one and a half). None: no limit.
    pub quota: Option<f64>,
}

/// What explains a service's current state: for `why`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// Which service.
    pub service: ServiceName,
    /// As it is now.
    pub status: ServiceStatus,
    /// Its latest changes of state, oldest first.
    pub history: Vec<HistoryEntry>,
}

/// One change of a service's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When, RFC 3339.
    pub at: String,
    /// Into which state.
    pub state: StateName,
    /// Why, in words.
    pub reason: String,
}

/// Where the time of a start went: for `blame`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blame {
    /// When the start began, RFC 3339.
    pub began: String,
    /// The time since then, in microseconds.
    pub now_usec: u64,
    /// The services that took part in it.
    pub services: BTreeMap<ServiceName, ServiceStart>,
}

/// How the start of one service went, in microseconds since the whole start began. None: it has
/// not come to that, or there is no such step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStart {
    /// Its state now.
    pub state: StateName,
    /// What it requires.
    pub requires: Vec<ServiceName>,
    /// From here it waited for what it requires.
    pub wanted_usec: Option<u64>,
    /// The last of what it requires to become ready, if it waited for that.
    pub waited_for: Option<ServiceName>,
    /// It was launched.
    pub launched_usec: Option<u64>,
    /// Of a service in Python: its modules are imported.
    pub imported_usec: Option<u64>,
    /// Of a service in Python: its application has started.
    pub started_usec: Option<u64>,
    /// Its readiness probe passed.
    pub answered_usec: Option<u64>,
    /// Its post-start command was done, if it has one: it was ready.
    pub ready_usec: Option<u64>,
}

/// What a reload would come to now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The services that it would touch, in the order of their names.
    pub services: Vec<ServicePreview>,
    /// Each key whose value differs.
    pub keys: Vec<KeyPreview>,
}

/// What a reload would do to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePreview {
    /// Which.
    pub service: ServiceName,
    /// What happens to it.
    pub step: ReloadStep,
    /// What of its specification changes.
    pub fields: Vec<String>,
    /// Why it restarts where less would do otherwise: it holds more than its new limits allow.
    pub over_limit: Option<String>,
}

/// What one key would come to alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPreview {
    /// Its dotted name, or the table of a service that is new or gone.
    pub key: String,
    /// The services that it would touch; none: alone it changes nothing, or not while they run.
    pub services: BTreeMap<ServiceName, ReloadStep>,
    /// Why those of them restart that hold more than their new limits allow. A daemon of an older version
    /// does not say it.
    #[serde(default)]
    pub over_limit: BTreeMap<ServiceName, String>,
}

/// What a reload does to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReloadStep {
    /// It is new and starts.
    Start,
    /// It goes on and notices nothing.
    Live,
    /// It goes on and reads its files again.
    Reload,
    /// It restarts.
    Restart,
    /// It does not run, and has it when it starts.
    NextStart,
    /// It is gone and stops.
    Stop,
}

/// What can be asked of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// The status, answered at once.
    Status,
    /// Start one service, or all; answered when ready.
    Start(Option<ServiceName>),
    /// Stop one service, answered when it is stopped; or all, answered when the daemon ends.
    Stop(Option<ServiceName>),
    /// Restart one service, or all; answered when ready again.
    Restart(Option<ServiceName>),
    /// Read the configuration again and have each service take up what has changed, answered when
    /// that is so; or have one service read its files again, answered when it does.
    Reload(Option<ServiceName>),
    /// What a reload would come to; nothing changes.
    Preview,
    /// The history of one service, answered at once.
    Why(ServiceName),
    /// How the last start of everything went, or the newest one of a service; answered at once.
    Blame(Option<ServiceName>),
}

/// What the daemon answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// To [`Call::Status`].
    Status(Box<GatewayStatus>),
    /// What was asked for is done; what a person may want to know of it, line by line.
    Done(Vec<String>),
    /// To [`Call::Why`].
    Why(Box<Why>),
    /// To [`Call::Blame`].
    Blame(Box<Blame>),
    /// To [`Call::Preview`].
    Preview(Box<Preview>),
}

/// Why the daemon does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// There is no such service.
    #[error("no service is named {name}: there are {}", known.join(", "))]
    UnknownService {
        /// As it was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// It was tried, or cannot be done now.
    #[error("{0}")]
    Failed(String),
    /// The configuration that was read again is wrong: the report.
    #[error("{0}")]
    Configuration(String),
    /// It is on its way down and takes no more calls.
    #[error("the daemon is shutting down")]
    Ending,
}
