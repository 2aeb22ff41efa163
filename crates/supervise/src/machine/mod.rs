//! The machine: every decision of the supervisor, as a function of an event and a time.
//!
//! ```text
//!            request                requirements ready          probe passes, post-start ends well
//!  stopped ──────────▶ waiting ─────────────────────▶ starting ──────────────────▶ ready ◀──▶ unhealthy
//!     ▲                 ▲   ▲                            │ exit, time-out            │ exit,      │
//!     │        at once  │   │ wait is over               │                           │ request    │
//!     │                 │ backing-off ◀─┐                ▼                           ▼            │
//!     │                 │               │  policy   ┌───────────────────────────────────┐         │
//!     │                 └───────────────┴───────────│ draining ─▶ stopping ─▶ (clearing) │◀────────┘
//!     └─────────────────────────────────────────────└───────────────────────────────────┘
//!                        asked to stop                       │ credit is spent
//!                                                            ▼
//!                                                          failed
//! ```
//!
//! - *Waiting to starting*: when everything that it requires is ready and meant to stay so.
//! - *Starting to ready*: the readiness probe passed and the post-start command ended well. The
//!   deadline of the start covers both.
//! - *Ready to unhealthy and back*: liveness probes that fail in a row, and the next that passes.
//! - *Draining, stopping*: the steps of the specification one by one, each until its own time is
//!   up. A service that never was ready has nothing to drain and skips the commands before the
//!   first signal.
//! - *Clearing*, shown as stopping: the main process has ended, or its steps are used up; whatever
//!   is left of this instance is killed. Only when it is reaped **and** nothing else is left does the
//!   service go on: to stopped, or to what the restart policy says. So no two instances overlap.
//! - *Failed*: the credit is spent. Nothing but a request brings it back. Services that do not
//!   require it go on; those that do, wait.
//!
//! *New specifications* ([`Machine::reconfigure`]) take effect with the least that makes them count
//! ([`crate::change`]): in the instance that runs, by its reload action, or with the next instance, for
//! which one that runs is bounced. A service that is no longer there goes down and is forgotten.
//!
//! A stop of several services takes dependants first: a service that is to go down waits for each
//! dependant that is to go down as well and may have a process. A dependant that stays up holds
//! nobody back, and a service that restarts does not restart its dependants, unless they say so.
//!
//! *Tasks* run to their end, and are *completed* then, or *scheduled* while their time has not come; see
//! `task`. *External* services have no process: they are probed like others, and go from one state to
//! another without a launch and without a stop.
//!
//! *Leaks*: the memory of a service with a limit and a policy is measured while it is up, together
//! with its liveness probe where there is one. One that leaks goes down by its stop steps and comes
//! up again at a good moment; see `recycling` for whose turn it is and [`crate::recycle`] for what
//! a leak is.
//!
//! *Resume* ([`Machine::save`], [`Machine::resume`]): what the machine knows is a value that can be
//! written down after each event, before its effects are carried out. A machine that is made from it
//! asks again for whatever was under way.
//!
//! Time: the runtime sleeps until [`Machine::next_deadline`] and sends [`Event::Deadline`]. One
//! owner calls [`Machine::handle`]; nothing in here is shared.

mod ending;
mod fingerprint;
mod handlers;
mod reconfigure;
mod recycling;
mod reload;
mod reloading;
mod requests;
mod resume;
mod rng;
mod settle;
mod task;
mod unit;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    effect::{Effect, Reason, StateName},
    event::{Event, Instance, Time},
    graph::{Graph, GraphError},
    milestones::Milestones,
    spec::{ServiceName, ServiceSpec},
};

pub use fingerprint::FingerprintKey;
pub use reconfigure::{Changed, Checked, Reconfigured, Uptake};
pub use requests::Denied;
pub use resume::{ResumeError, Saved};

use reloading::Reloading;
use rng::Rng;
use unit::{HandlerContext, State, Unit, Wanted};

/// The supervisor's state and its decisions.
#[derive(Debug, Clone)]
pub struct Machine {
    graph: Graph,
    units: BTreeMap<ServiceName, Unit>,
    /// The number of the last instance of each service that was removed.
    forgotten: BTreeMap<ServiceName, u64>,
    rng: Rng,
    shutdown: Shutdown,
    /// The services that may have changed since [`Machine::take_news`] was called the last time.
    news: Touched,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Shutdown {
    No,
    Asked,
    Complete,
}

/// The units that an event may have changed.
type Touched = BTreeSet<ServiceName>;

/// What is known of one service at one point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitStatus {
    /// Its newest instance. Generation 0 means that it was never launched.
    pub instance: Instance,
    /// Its state.
    pub state: StateName,
    /// The time since which it has been in this state.
    pub since: Time,
    /// Why it is in this state.
    pub reason: Reason,
    /// How often it was restarted because it ended, failed or leaked.
    pub restarts: u32,
    /// The requirements that are not ready; only for a service that waits.
    pub waits_for: Vec<ServiceName>,
    /// Whether a new instance will follow the newest one without a further request.
    pub renewed: bool,
    /// Whether it is reading its files again.
    pub reloading: bool,
    /// Why it goes on with older files than its specification has. `None` if its files are the current
    /// ones.
    pub outdated: Option<String>,
    /// Whether it is an external service, which the gateway does not launch.
    pub external: bool,
    /// Whether it is a task with a schedule.
    pub scheduled: bool,
}

impl UnitStatus {
    /// Whether the service is as it should be. A task with a schedule is, whatever it is doing, unless it
    /// has failed: only services that require it wait for it.
    pub const fn is_fine(&self) -> bool {
        match self.state {
            StateName::Stopped | StateName::Failed | StateName::BackingOff => false,
            state => state.is_fine() || self.scheduled,
        }
    }
}

/// Whether every service that should run is as it should be, and there is at least one.
pub fn all_fine<'a>(services: impl IntoIterator<Item = &'a UnitStatus>) -> bool {
    let mut some = false;
    let mut services = services.into_iter().map(|service| {
        let fine = service.is_fine();
        some |= fine;
        fine || service.state == StateName::Stopped
    });
    services.all(|fine_or_stopped| fine_or_stopped) && some
}

/// How the newest start of a service went, or is going.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitStart {
    /// The instance that was started. While the service waits for its requirements this is the instance
    /// before.
    pub instance: Instance,
    /// Its state now.
    pub state: StateName,
    /// What it requires.
    pub requires: Vec<ServiceName>,
    /// When each step was reached.
    pub milestones: Milestones,
}

impl Machine {
    /// Makes a machine in which everything is stopped. `seed` is for the jitter of the back-off.
    ///
    /// # Errors
    /// The services cannot be supervised together; see [`GraphError`].
    pub fn new(specs: Vec<ServiceSpec>, seed: u64) -> Result<Self, GraphError> {
        let graph = Graph::new(&specs)?;
        let units: BTreeMap<_, _> = specs
            .into_iter()
            .map(|spec| (spec.name.clone(), Unit::new(spec)))
            .collect();
        Ok(Self {
            graph,
            news: units.keys().cloned().collect(),
            units,
            forgotten: BTreeMap::new(),
            rng: Rng::new(seed),
            shutdown: Shutdown::No,
        })
    }

    /// Takes in an event that happened at `now` and returns what is to be done, in order.
    ///
    /// An event about an older instance than the newest, or about an unknown service, changes nothing.
    pub fn handle(&mut self, event: Event, now: Time) -> Vec<Effect> {
        let mut effects = Vec::new();
        let touched = match event {
            Event::Request(request) => self.request(&request, now, &mut effects),
            Event::Launched(instance) => self.with(&instance, now, &mut effects, Unit::on_launched),
            Event::LaunchFailed { instance, error } => {
                self.with(&instance, now, &mut effects, |u, cx| {
                    u.on_launch_failed(error, cx);
                })
            }
            Event::Exited { instance, exit } => {
                self.with(&instance, now, &mut effects, |u, cx| u.on_exited(exit, cx))
            }
            Event::Emptied(instance) => self.with(&instance, now, &mut effects, Unit::on_emptied),
            Event::Probed {
                instance,
                phase,
                verdict,
            } => self.with(&instance, now, &mut effects, |u, cx| {
                u.on_probed(phase, verdict, cx);
            }),
            Event::PostStarted { instance, result } => {
                self.with(&instance, now, &mut effects, |u, cx| {
                    u.on_post_started(result, cx);
                })
            }
            Event::StopStepDone { instance, step } => {
                self.with(&instance, now, &mut effects, |u, cx| {
                    u.on_stop_step_done(step, cx);
                })
            }
            Event::Reloaded { instance, result } => {
                self.with(&instance, now, &mut effects, |u, cx| {
                    u.on_reloaded(result, cx);
                })
            }
            Event::FilesChecked { instance, result } => {
                self.with(&instance, now, &mut effects, |u, cx| {
                    u.on_files_checked(result, cx);
                })
            }
            Event::Limited { instance, result } => {
                self.with(&instance, now, &mut effects, |u, cx| {
                    u.on_limited(result, cx);
                })
            }
            Event::Due { instance, at } => {
                self.with(&instance, now, &mut effects, |u, _| u.on_due(at))
            }
            Event::Measured {
                instance,
                usage,
                minute,
            } => self.measured(&instance, usage, minute, now, &mut effects),
            Event::Deadline => self.deadline(now, &mut effects),
        };
        self.settle(touched, now, &mut effects);
        effects
    }

    /// When the runtime has to send [`Event::Deadline`], unless another event comes first.
    pub fn next_deadline(&self) -> Option<Time> {
        self.units.values().filter_map(Unit::deadline).min()
    }

    /// The latest time at which something happens in what is under way by itself: a start, a stop, a pause
    /// before a restart. `None` if nothing is under way.
    ///
    /// This is for callers who wait, such as systemd, so that they do not give up before the machine does.
    pub fn patience(&self) -> Option<Time> {
        self.units.values().filter_map(Unit::patience).max()
    }

    /// Every service, in the order of their names.
    pub fn status(&self) -> impl Iterator<Item = UnitStatus> {
        self.units.values().map(|unit| self.status_of_unit(unit))
    }

    /// One service. `None` if there is no service of that name.
    pub fn status_of(&self, service: &ServiceName) -> Option<UnitStatus> {
        let unit = self.units.get(service)?;
        Some(self.status_of_unit(unit))
    }

    fn status_of_unit(&self, unit: &Unit) -> UnitStatus {
        UnitStatus {
            instance: unit.instance(),
            state: unit.name(),
            since: unit.since,
            reason: unit.reason.clone(),
            restarts: unit.restarts,
            waits_for: self.waits_for(unit),
            renewed: unit.wanted == Wanted::Bounce
                || (unit.next_spec.is_some() && unit.wanted == Wanted::Up),
            reloading: unit.reload != Reloading::No,
            outdated: unit.outdated.clone(),
            external: unit.spec.is_external(),
            scheduled: unit.spec.schedule().is_some(),
        }
    }

    /// The newest start of every service, in the order of their names.
    pub fn starts(&self) -> impl Iterator<Item = UnitStart> {
        self.units.values().map(|unit| self.start_of_unit(unit))
    }

    /// The newest start of one service. `None` if there is no service of that name.
    pub fn start_of(&self, service: &ServiceName) -> Option<UnitStart> {
        let unit = self.units.get(service)?;
        Some(self.start_of_unit(unit))
    }

    fn start_of_unit(&self, unit: &Unit) -> UnitStart {
        UnitStart {
            instance: unit.instance(),
            state: unit.name(),
            requires: self.graph.requirements(&unit.spec.name).cloned().collect(),
            milestones: unit.milestones.clone(),
        }
    }

    /// The state of every service and nothing else, in the order of their names.
    pub fn states(&self) -> impl Iterator<Item = (&ServiceName, StateName)> {
        self.units.iter().map(|(name, unit)| (name, unit.name()))
    }

    /// The services that may have changed since this was called the last time, including those that are
    /// gone. A caller that keeps a copy of all states therefore has to look only at these after an event.
    pub fn take_news(&mut self) -> BTreeSet<ServiceName> {
        std::mem::take(&mut self.news)
    }

    /// The specification of a service, as it was given.
    pub fn spec(&self, service: &ServiceName) -> Option<&ServiceSpec> {
        self.units.get(service).map(|unit| &unit.spec)
    }

    /// The specifications of all services, in the order of their names.
    pub fn specs(&self) -> impl Iterator<Item = &ServiceSpec> {
        self.units.values().map(|unit| &unit.spec)
    }

    /// Whether the service runs, or will run without a further request: it should be up, has not failed for
    /// good, and does not wait for a service that has. As long as this is so its listeners stay open.
    pub fn expects(&self, service: &ServiceName) -> bool {
        let Some(unit) = self.units.get(service) else {
            return false;
        };
        // An external service may come back at any time.
        let external = |other: &ServiceName| {
            let other = self.units.get(other);
            other.is_some_and(|other| other.spec.is_external())
        };
        let required = || {
            let all = self.graph.requirements(service);
            all.filter(|other| !external(other))
        };
        unit.wanted != Wanted::Down
            && unit.state != State::Failed
            && !unit.spec.is_external()
            && (unit.may_have_process() || required().all(|other| self.expects(other)))
    }

    /// Every service, each after all services that it requires.
    pub fn start_order(&self) -> &[ServiceName] {
        self.graph.start_order()
    }

    /// Hands an event to the unit that it is about, and returns the unit that it may have changed.
    fn with(
        &mut self,
        instance: &Instance,
        now: Time,
        effects: &mut Vec<Effect>,
        handler: impl FnOnce(&mut Unit, &mut HandlerContext<'_>),
    ) -> Touched {
        let Some(unit) = self.units.get_mut(&instance.service) else {
            return Touched::new();
        };
        if unit.generation != instance.generation {
            return Touched::new();
        }
        handler(
            unit,
            &mut HandlerContext {
                now,
                rng: &mut self.rng,
                effects,
            },
        );
        Touched::from([instance.service.clone()])
    }

    fn deadline(&mut self, now: Time, effects: &mut Vec<Effect>) -> Touched {
        let mut touched = Touched::new();
        for (service, unit) in &mut self.units {
            if unit.deadline().is_some_and(|due| due <= now) {
                unit.on_deadline(&mut HandlerContext {
                    now,
                    rng: &mut self.rng,
                    effects,
                });
                touched.insert(service.clone());
            }
        }
        touched
    }
}
