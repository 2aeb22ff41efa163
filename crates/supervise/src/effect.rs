//! What is to be done: the machine's output.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    event::{Exit, Instance, Phase},
    recycle::Leak,
    spec::ServiceName,
};

/// Something that the runtime is to do. Effects are carried out in the order in which they come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Launch the main process. The answer is `Launched` or `LaunchFailed`.
    Launch(Instance),
    /// Run the probe. The answer `Probed` comes within the probe's time-out, or, if the service reports its
    /// readiness by itself, when it does.
    Probe {
        /// Of which instance.
        instance: Instance,
        /// Which probe.
        phase: Phase,
    },
    /// Measure what the instance uses; answer `Measured`.
    Measure(Instance),
    /// Run the post-start command; answer `PostStarted`.
    PostStart(Instance),
    /// Check the files of an instance as its specification says; answer `FilesChecked` within its
    /// time-out.
    CheckFiles(Instance),
    /// Have the instance read its files, as its specification says; answer `Reloaded` within its time-out.
    Reload(Instance),
    /// Put the limits of its specification in force for an instance that runs; answer `Limited`.
    Limit(Instance),
    /// Find out when a task that rests is to run again, by its schedule; answer `Due`.
    Schedule(Instance),
    /// Carry out this step of stopping; answer `StopStepDone` when it is a command and ends.
    StopStep {
        /// Of which instance.
        instance: Instance,
        /// The index into the specification's steps.
        step: usize,
    },
    /// Kill every process of this instance, and whatever probes and commands of it still run; answer
    /// `Emptied` when none is left.
    KillAll(Instance),
    /// Publish a change of state.
    Changed(Change),
    /// Publish something that people want to know and that changes no state.
    Told(Instance, News),
    /// Everything is down after a shutdown request; nothing more will come.
    ShutdownComplete,
}

/// Something that changes no state and that people want to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// The service has been told to read its files.
    Reloaded,
    /// It goes on with the files that it has read before, and why.
    Outdated(String),
    /// It restarts because it holds more than its new limits allow: the numbers.
    OverLimit(String),
}

/// A service went from one state to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which service, in which instance.
    pub instance: Instance,
    /// The state before.
    pub from: StateName,
    /// The state now.
    pub to: StateName,
    /// The reason of the change.
    pub reason: Reason,
}

/// The states as people see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateName {
    /// It does not run, and should not.
    Stopped,
    /// It should run; something that it requires is not ready.
    Waiting,
    /// Launched, not ready yet.
    Starting,
    /// A task that has not ended yet.
    Running,
    /// Doing its work.
    Ready,
    /// Was ready; its liveness probe fails.
    Unhealthy,
    /// A task that has ended well.
    Completed,
    /// A task whose time has not come yet.
    Scheduled,
    /// It finishes what it has begun, before it stops.
    Draining,
    /// It is being stopped.
    Stopping,
    /// It ended and will be started again after a pause.
    BackingOff,
    /// The restart credit is used up. A person has to start it again; a task with a schedule is also tried
    /// again at its next time.
    Failed,
}

impl StateName {
    /// Whether this is the state of a service that is as it should be: it does its work, or has none to do
    /// now.
    pub const fn is_fine(self) -> bool {
        match self {
            Self::Ready | Self::Completed | Self::Scheduled => true,
            Self::Stopped
            | Self::Waiting
            | Self::Starting
            | Self::Running
            | Self::Unhealthy
            | Self::Draining
            | Self::Stopping
            | Self::BackingOff
            | Self::Failed => false,
        }
    }

    /// The name in lower case, words joined by a dash.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Unhealthy => "unhealthy",
            Self::Completed => "completed",
            Self::Scheduled => "scheduled",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::BackingOff => "backing-off",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a service is in its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Nothing has happened yet.
    New,
    /// Somebody asked for it.
    Requested,
    /// What it requires is ready.
    RequirementsReady,
    /// A service that it requires, and restarts with, was restarted.
    RequirementRestarted(ServiceName),
    /// Its probe passed.
    ProbePassed,
    /// It was launched, and has no probe.
    Launched,
    /// Its probe failed, and what it said.
    ProbeFailed(String),
    /// It hangs, and what shows it.
    Hung(String),
    /// It was not ready in time.
    StartTimedOut,
    /// A task has not ended in time.
    TookTooLong,
    /// The time of a task has come.
    Due,
    /// Its post-start command failed, and how.
    PostStartFailed(String),
    /// It could not be launched, and why.
    LaunchFailed(String),
    /// Its main process ended by itself.
    Exited(Exit),
    /// A task has ended well.
    Done(Exit),
    /// It leaks memory, and this was a good moment to restart it.
    Leaks(Leak),
    /// Its main process ended when it was asked to.
    Stopped(Exit),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("not started yet"),
            Self::Requested => f.write_str("by request"),
            Self::RequirementsReady => f.write_str("what it requires is ready"),
            Self::RequirementRestarted(service) => write!(f, "{service} was restarted"),
            Self::ProbePassed => f.write_str("its probe passed"),
            Self::Launched => f.write_str("it was launched, and no probe is set for it"),
            Self::ProbeFailed(why) => write!(f, "its probe failed: {why}"),
            Self::Hung(why) => write!(f, "it hangs: {why}"),
            Self::StartTimedOut => f.write_str("it was not ready in time"),
            Self::TookTooLong => f.write_str("it has not ended in time"),
            Self::Due => f.write_str("its time has come"),
            Self::PostStartFailed(why) => write!(f, "its post-start command failed: {why}"),
            Self::LaunchFailed(why) => write!(f, "it could not be launched: {why}"),
            Self::Exited(exit) | Self::Done(exit) => write!(f, "it {exit}"),
            Self::Leaks(leak) => write!(f, "{leak}"),
            Self::Stopped(exit) => write!(f, "by request; it {exit}"),
        }
    }
}
