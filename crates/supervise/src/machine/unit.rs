//! One service: its state, and what each event does to it.
//!
//! A unit knows nothing of other units; what depends on them is `settle`'s. Every pair of event and
//! state is decided by name, so that a new state does not compile until somebody has thought about
//! each event in it.

use crate::{
    effect::{Change, Effect, Reason, StateName},
    event::{Exit, Instance, Phase, Time},
    machine::{reloading::Reloading, rng::Rng},
    milestones::Milestones,
    recycle::Watch,
    spec::{ServiceKind, ServiceName, ServiceSpec, StopStep},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// What has been killed is gone at once, unless the kernel waits for a disk or writes out a core.
const CLEARING: Duration = Duration::from_secs(60);

/// What the outside wants of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wanted {
    Up,
    Down,
    /// Down first, then up.
    Bounce,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    Stopped,
    Waiting,
    Starting {
        step: StartStep,
        deadline: Time,
    },
    Up(Up),
    Stopping {
        step: usize,
        deadline: Time,
        after: After,
    },
    Clearing {
        since: Time,
        exit: Option<Exit>,
        emptied: bool,
        after: After,
    },
    BackingOff {
        until: Time,
    },
    /// A task between its runs.
    Resting {
        /// Whether the last one has ended well.
        done: bool,
    },
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StartStep {
    /// Between the effect and its answer.
    Launching,
    /// A readiness probe is under way.
    Probing,
    /// Until the next readiness probe.
    Pausing {
        until: Time,
    },
    PostStarting,
    /// A task, until its end.
    Running,
}

/// Ready or unhealthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Up {
    pub(super) healthy: bool,
    /// When it became ready; from here its credit is counted.
    pub(super) ready_at: Time,
    /// When the next liveness probe is due; none while one is under way, or without probe.
    pub(super) next_probe: Option<Time>,
    /// When its memory is to be measured next; none while that is under way, or never.
    pub(super) next_measurement: Option<Time>,
    /// Liveness probes that failed in a row.
    pub(super) failures: u32,
    /// Those of them, the last ones in a row, that told that it hangs.
    pub(super) hung: u32,
}

/// What follows once no process is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum After {
    /// It was asked to stop.
    Stop,
    /// It failed for this reason, or is about to; the restart policy decides.
    Recover(Reason),
    /// It ended by itself; how is known once it is reaped.
    RecoverFromExit,
    /// It was ended by plan, for this reason, to come up again.
    Recycle(Reason),
}

/// What a service is launched with.
#[derive(Debug)]
pub(super) struct With {
    /// The instances of its requirements.
    pub(super) generations: BTreeMap<ServiceName, u64>,
    /// The last of them to become ready, if that was while it waited.
    pub(super) waited_for: Option<ServiceName>,
}

/// What a handler gets besides the event.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) now: Time,
    pub(super) rng: &'a mut Rng,
    pub(super) effects: &'a mut Vec<Effect>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Unit {
    /// What its newest instance was launched with, or its first one will be. It may have secrets in it,
    /// so it is never written down; see [`super::resume`].
    #[serde(skip, default = "super::resume::unknown")]
    pub(super) spec: ServiceSpec,
    /// What its next instance will be launched with, if that has changed.
    #[serde(skip)]
    pub(super) next_spec: Option<Box<ServiceSpec>>,
    /// No longer a part of the stack: once it is down, it is forgotten.
    pub(super) retired: bool,
    pub(super) wanted: Wanted,
    pub(super) state: State,
    pub(super) since: Time,
    pub(super) reason: Reason,
    pub(super) generation: u64,
    /// Restarts in all.
    pub(super) restarts: u32,
    /// Restarts since it last earned its credit back.
    pub(super) streak: u32,
    /// The instances of its requirements when it was launched.
    pub(super) launched_with: BTreeMap<ServiceName, u64>,
    /// What is known of its memory, if that is watched.
    pub(super) watch: Option<Box<Watch>>,
    /// It was ended by plan and is not back yet.
    pub(super) recycling: bool,
    /// Of its newest start.
    pub(super) milestones: Milestones,
    /// A task is to run once it is down, whatever its schedule says.
    pub(super) owed: bool,
    /// When a task that rests or has failed runs again; none: never, or that is being found out.
    pub(super) due: Option<Time>,
    /// Whether it is reading its files again.
    pub(super) reload: Reloading,
    /// Why it goes on with older files than its specification has, if it does.
    pub(super) outdated: Option<String>,
}

impl Unit {
    pub(super) fn new(spec: ServiceSpec) -> Self {
        Self {
            spec,
            next_spec: None,
            retired: false,
            wanted: Wanted::Down,
            state: State::Stopped,
            since: Time(std::time::Duration::ZERO),
            reason: Reason::New,
            generation: 0,
            restarts: 0,
            streak: 0,
            launched_with: BTreeMap::new(),
            watch: None,
            recycling: false,
            milestones: Milestones::default(),
            owed: false,
            due: None,
            reload: Reloading::No,
            outdated: None,
        }
    }

    pub(super) fn instance(&self) -> Instance {
        Instance {
            service: self.spec.name.clone(),
            generation: self.generation,
        }
    }

    pub(super) fn name(&self) -> StateName {
        match &self.state {
            State::Stopped => StateName::Stopped,
            State::Waiting => StateName::Waiting,
            State::Starting {
                step: StartStep::Running,
                ..
            } => StateName::Running,
            State::Starting { .. } => StateName::Starting,
            State::Up(up) if up.healthy => StateName::Ready,
            State::Up(_) => StateName::Unhealthy,
            State::Stopping { step, .. } => match self.spec.stop.get(*step) {
                Some(StopStep::Run { .. }) => StateName::Draining,
                Some(StopStep::Signal { .. }) | None => StateName::Stopping,
            },
            State::Clearing { .. } => StateName::Stopping,
            State::BackingOff { .. } => StateName::BackingOff,
            State::Resting { done: true } => StateName::Completed,
            State::Resting { done: false } => StateName::Scheduled,
            State::Failed => StateName::Failed,
        }
    }

    /// Whether a process of it may exist.
    pub(super) const fn may_have_process(&self) -> bool {
        self.is_under_way() && !self.spec.is_external()
    }

    /// Whether an instance of it was begun and is not over. It keeps its specification for so long.
    pub(super) const fn is_under_way(&self) -> bool {
        match &self.state {
            State::Starting { .. }
            | State::Up(_)
            | State::Stopping { .. }
            | State::Clearing { .. } => true,
            State::Stopped
            | State::Waiting
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => false,
        }
    }

    /// Whether what requires it may run.
    pub(super) const fn is_ready(&self) -> bool {
        match &self.state {
            State::Up(up) => up.healthy,
            State::Resting { done } => *done,
            State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Failed => false,
        }
    }

    /// When [`Unit::on_deadline`] has something to do.
    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.state {
            // The answer to a launch is the runtime's own and cannot be late.
            State::Starting {
                step: StartStep::Launching,
                ..
            } => None,
            State::Starting {
                step: StartStep::Pausing { until },
                deadline,
            } => Some(*until.min(deadline)),
            State::Starting { deadline, .. } | State::Stopping { deadline, .. } => Some(*deadline),
            State::Up(up) => self.alarm(up),
            State::BackingOff { until } => Some(*until),
            State::Resting { .. } | State::Failed => self.due,
            State::Stopped | State::Waiting | State::Clearing { .. } => None,
        }
    }

    /// When what it does by itself is over at the latest.
    pub(super) fn patience(&self) -> Option<Time> {
        match &self.state {
            State::Starting { deadline, .. } | State::Stopping { deadline, .. } => Some(*deadline),
            State::Clearing { since, .. } => Some(since.after(CLEARING)),
            State::BackingOff { until } => Some(*until),
            State::Stopped
            | State::Waiting
            | State::Up(_)
            | State::Resting { .. }
            | State::Failed => None,
        }
    }

    /// The only way into a state.
    pub(super) fn enter(&mut self, state: State, reason: Reason, cx: &mut Context<'_>) {
        let from = self.name();
        self.state = state;
        self.recycling &= match &self.state {
            State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Clearing { .. } => true,
            State::Stopped
            | State::Up(_)
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => false,
        };
        if !matches!(self.state, State::Resting { .. } | State::Failed) {
            self.due = None;
        }
        if !matches!(self.state, State::Up(_)) {
            // The next instance reads them as they are.
            self.reload = Reloading::No;
            self.outdated = None;
        }
        if !self.is_under_way()
            && let Some(spec) = self.next_spec.take()
        {
            self.spec = *spec;
        }
        let to = self.name();
        if from != to {
            if to == StateName::Waiting {
                self.milestones = Milestones {
                    wanted: Some(cx.now),
                    ..Milestones::default()
                };
            }
            self.since = cx.now;
            self.reason = reason.clone();
            let instance = self.instance();
            cx.effects.push(Effect::Changed(Change {
                instance,
                from,
                to,
                reason,
            }));
        }
    }

    pub(super) fn launch(&mut self, with: With, cx: &mut Context<'_>) {
        self.generation += 1;
        self.owed = false;
        self.launched_with = with.generations;
        self.milestones.launched = Some(cx.now);
        self.milestones.waited_for = with.waited_for;
        let patience = match &self.spec.kind {
            ServiceKind::Task(task) => task.deadline,
            ServiceKind::Daemon | ServiceKind::External => self.spec.startup.deadline,
        };
        let deadline = cx.now.after(patience);
        let external = self.spec.is_external();
        let step = if external {
            StartStep::Probing
        } else {
            StartStep::Launching
        };
        let starting = State::Starting { step, deadline };
        self.enter(starting, Reason::RequirementsReady, cx);
        let instance = self.instance();
        cx.effects.push(if external {
            let phase = Phase::Readiness;
            Effect::Probe { instance, phase }
        } else {
            Effect::Launch(instance)
        });
    }
}
