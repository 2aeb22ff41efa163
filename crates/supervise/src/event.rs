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
    /// It is gone, and nobody can say how.
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

/// Whom a request is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Every service.
    All,
    /// This one; a start includes what it requires.
    One(ServiceName),
}

/// What a person, or the runtime in their name, asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Bring it up and keep it up. Also ends a back-off and forgives a failure.
    Start(Target),
    /// Bring it down and leave it down.
    Stop(Target),
    /// Bring it down, then up.
    Restart(Target),
    /// Have this service, which is up, read its files again.
    Reload(ServiceName),
    /// Bring everything down, for good.
    Shutdown,
}

/// Which probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// From launch to ready.
    Readiness,
    /// After ready.
    Liveness,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It works.
    Pass,
    /// It does not, and why.
    Fail(String),
    /// It does not and will not: it hangs, as [`crate::hang`] tells it, and what shows it.
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
    /// There is no process, and why.
    LaunchFailed {
        /// Of which instance.
        instance: Instance,
        /// Why.
        error: String,
    },
    /// The main process has ended and was reaped.
    Exited {
        /// Of which instance.
        instance: Instance,
        /// How.
        exit: Exit,
    },
    /// After [`Effect::KillAll`](crate::effect::Effect::KillAll): no process of this instance is left.
    Emptied(Instance),
    /// A probe has an answer. For readiness it may also come unasked, from the service itself.
    Probed {
        /// Of which instance.
        instance: Instance,
        /// Which probe.
        phase: Phase,
        /// The answer.
        verdict: Verdict,
    },
    /// The post-start command has ended; the text says why it did not succeed.
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
    /// The files of an instance were checked; the text says what is wrong with them.
    FilesChecked {
        /// Of which instance.
        instance: Instance,
        /// What came of it.
        result: Result<(), String>,
    },
    /// The reload action is done; the text says why the service goes on with its old files.
    Reloaded {
        /// Of which instance.
        instance: Instance,
        /// How it went.
        result: Result<(), String>,
    },
    /// New limits are in force; the text says why they cannot be for this instance.
    Limited {
        /// Of which instance.
        instance: Instance,
        /// How it went.
        result: Result<(), String>,
    },
    /// When a task that rests is to run again.
    Due {
        /// Of which instance: the one that has ended.
        instance: Instance,
        /// When.
        at: Time,
    },
    /// What an instance uses was measured.
    Measured {
        /// Of which instance.
        instance: Instance,
        /// What it uses; none: nobody counts it, and this instance need not be asked again.
        usage: Option<Usage>,
        /// The minute of the day, local time.
        minute: u16,
    },
    /// The time that [`Machine::next_deadline`](crate::machine::Machine::next_deadline) named has
    /// come. Too early does no harm.
    Deadline,
}
