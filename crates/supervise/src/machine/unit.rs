//! One service: its state, and what each event does to it.
//!
//! A unit knows nothing of other units; `settle` decides what follows from their states. Every pair of
//! event and state is matched by name, so that a new state does not compile until somebody has thought
//! about each event in it.

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

/// How long the end of killed processes may take. It takes no time unless the kernel waits for a disk or
/// writes a core file.
const CLEARING: Duration = Duration::from_secs(60);

/// What requests want a service to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wanted {
    Up,
    Down,
    /// It is to go down first and come up again then.
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
    /// The effect was returned, and its answer has not come yet.
    Launching,
    /// A readiness probe is under way.
    Probing,
    /// The machine waits until it is time for the next readiness probe.
    Pausing {
        until: Time,
    },
    PostStarting,
    /// A task that runs. It stays in this step until it ends.
    Running,
}

/// The state of a service that is ready or unhealthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Up {
    pub(super) healthy: bool,
    /// When it became ready. The time from here on earns its restart credit back.
    pub(super) ready_at: Time,
    /// When the next liveness probe is due. `None` while a probe is under way, or if the service has no
    /// liveness probe.
    pub(super) next_probe: Option<Time>,
    /// When its memory is to be measured next. `None` while a measurement is under way, or if it is never
    /// measured.
    pub(super) next_measurement: Option<Time>,
    /// How many liveness probes in a row have failed.
    pub(super) failures: u32,
    /// How many of the last failures in a row showed that the service hangs.
    pub(super) hung: u32,
}

/// What follows when no process of the instance is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum After {
    /// Nothing: a request has stopped the service.
    Stop,
    /// The service failed for this reason, or is about to fail. The restart policy decides what follows.
    Recover(Reason),
    /// The main process ended by itself. Its exit is known once it is reaped, and then the restart policy
    /// decides.
    RecoverFromExit,
    /// The machine restarts the service for this reason; it comes up again at once.
    Recycle(Reason),
}

/// What the machine remembers about the launch of an instance.
#[derive(Debug)]
pub(super) struct With {
    /// The instances of its requirements at that time.
    pub(super) generations: BTreeMap<ServiceName, u64>,
    /// The requirement that became ready last, if that was while this service waited.
    pub(super) waited_for: Option<ServiceName>,
}

/// What the handler of an event gets besides the event.
#[derive(Debug)]
pub(super) struct HandlerContext<'a> {
    pub(super) now: Time,
    pub(super) rng: &'a mut Rng,
    pub(super) effects: &'a mut Vec<Effect>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Unit {
    /// The specification of the newest instance, or of the first one that will be launched. It may hold
    /// secrets, so it is never saved; see [`super::resume`].
    #[serde(skip, default = "super::resume::unknown")]
    pub(super) spec: ServiceSpec,
    /// The specification of the next instance, if it has changed.
    #[serde(skip)]
    pub(super) next_spec: Option<Box<ServiceSpec>>,
    /// The service is no longer in the configuration. The machine forgets it once it is down.
    pub(super) retired: bool,
    pub(super) wanted: Wanted,
    pub(super) state: State,
    pub(super) since: Time,
    pub(super) reason: Reason,
    pub(super) generation: u64,
    /// How often it was restarted in all.
    pub(super) restarts: u32,
    /// How often it was restarted since it last earned its credit back.
    pub(super) streak: u32,
    /// The instances of its requirements that ran when it was launched.
    pub(super) launched_with: BTreeMap<ServiceName, u64>,
    /// What is known of its memory, if its memory is watched.
    pub(super) watch: Option<Box<Watch>>,
    /// The machine has ended it for a planned restart, and it is not ready again yet.
    pub(super) recycling: bool,
    /// The milestones of its newest start.
    pub(super) milestones: Milestones,
    /// A task is to run as soon as it is down, whatever its schedule says.
    pub(super) owed: bool,
    /// When a task that waits for its time, or has failed, runs again. `None` if it never does, or if the
    /// runtime has not answered [`Effect::Schedule`] yet.
    pub(super) due: Option<Time>,
    /// How far it is with reading its files again.
    pub(super) reload: Reloading,
    /// Why it goes on with older files than its specification has. `None` if its files are the current
    /// ones.
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

    /// Whether a process of this service may exist.
    pub(super) const fn may_have_process(&self) -> bool {
        self.is_under_way() && !self.spec.is_external()
    }

    /// Whether an instance was begun and is not over yet. Until it is over it keeps its specification.
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

    /// Whether the services that require this one may run.
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
            // The runtime always answers a launch, so there is no deadline for the answer.
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

    /// The latest time at which what the unit does by itself is over.
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

    /// Changes the state. Nothing else does, so that every change is published and cleans up after the old
    /// state.
    pub(super) fn enter(&mut self, state: State, reason: Reason, cx: &mut HandlerContext<'_>) {
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
            // The next instance reads the files as they are then.
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

    pub(super) fn launch(&mut self, with: With, cx: &mut HandlerContext<'_>) {
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
