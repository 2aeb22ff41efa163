//! What happens: the machine's input.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{recycle::Usage, spec::ServiceName};

pub use crate::time::Time;

/// One instance of a service. The generation tells it from its earlier and later instances, so that news
/// of a process that is gone cannot be taken for news of the one that runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Instance {
    /// Which service.
    pub service: ServiceName,
    /// Its ordinal among the instances of its service, from 1.
    pub generation: u64,
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.service, self.generation)
    }
}

/// How a service's main process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// With code 0.
    Clean,
    /// With this code, which is not 0.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Killed by the kernel because its cgroup was out of memory.
    OutOfMemory,
    /// It has ended, and nobody knows how.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("exited cleanly"),
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::OutOfMemory => f.write_str("ran out of memory and was killed by the kernel"),
            Self::Unknown => f.write_str("ended in an unknown way"),
        }
    }
}

/// Which services a request is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Every service.
    All,
    /// This service. A start includes everything that it requires.
    One(ServiceName),
}

/// What a person asks for, or the runtime on behalf of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Start it and keep it running. This also ends a back-off and clears a failure.
    Start(Target),
    /// Stop it and leave it stopped.
    Stop(Target),
    /// Stop it, then start it.
    Restart(Target),
    /// Make this service read its files again. It has to be up.
    Reload(ServiceName),
    /// Stop everything for good.
    Shutdown,
}

/// Which probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The readiness probe: between launch and ready.
    Readiness,
    /// The liveness probe: after ready.
    Liveness,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The service works.
    Pass,
    /// The service does not work, for this reason.
    Fail(String),
    /// The service hangs and will not recover by itself, as [`crate::hang`] tells; the text says what shows
    /// it.
    Hung(String),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Somebody asked for something.
    Request(Request),
    /// The main process runs.
    Launched(Instance),
    /// The main process could not be launched.
    LaunchFailed {
        /// The instance that was to be launched.
        instance: Instance,
        /// What went wrong.
        error: String,
    },
    /// The main process has ended and was reaped.
    Exited {
        /// Of which instance.
        instance: Instance,
        /// How.
        exit: Exit,
    },
    /// No process of this instance is left, after [`Effect::KillAll`](crate::effect::Effect::KillAll).
    Emptied(Instance),
    /// A probe has an answer. A service may also report its readiness by itself.
    Probed {
        /// Of which instance.
        instance: Instance,
        /// Which probe.
        phase: Phase,
        /// The answer.
        verdict: Verdict,
    },
    /// The post-start command has ended; the error says why it failed.
    PostStarted {
        /// Of which instance.
        instance: Instance,
        /// How it went.
        result: Result<(), String>,
    },
    /// The command of a stop step has ended.
    StopStepDone {
        /// Of which instance.
        instance: Instance,
        /// Which step.
        step: usize,
    },
    /// The files of an instance were checked; the error says what is wrong with them.
    FilesChecked {
        /// Of which instance.
        instance: Instance,
        /// What came of it.
        result: Result<(), String>,
    },
    /// The reload action is done; the error says why the service goes on with its old files.
    Reloaded {
        /// Of which instance.
        instance: Instance,
        /// How it went.
        result: Result<(), String>,
    },
    /// New limits were applied; the error says why they cannot be applied to this instance.
    Limited {
        /// Of which instance.
        instance: Instance,
        /// How it went.
        result: Result<(), String>,
    },
    /// The time at which a waiting task is to run next.
    Due {
        /// The instance that has ended.
        instance: Instance,
        /// When it is to run next.
        at: Time,
    },
    /// The resource usage of an instance was measured.
    Measured {
        /// Of which instance.
        instance: Instance,
        /// What it uses. `None` if the kernel does not count it; then this instance is not measured again.
        usage: Option<Usage>,
        /// The minute of the day, local time.
        minute: u16,
    },
    /// The time that [`Machine::next_deadline`](crate::machine::Machine::next_deadline) named has come. If
    /// it comes too early, nothing happens.
    Deadline,
}
