//! The snapshot: everything that the loop knows and that can be told, as it was at one point in time.
//!
//! It is a value. Its only writer is `runtime::publisher`, which replaces it as a whole at the end of a
//! turn of the loop; readers share it and never see it change. What did not change is shared between one
//! snapshot and the next. So a new one costs what has changed, and does not grow with the number of
//! services; once for each reader who still has the one before, it costs a copy of a list of pointers,
//! which is less than what that reader does with it.

use std::{collections::VecDeque, path::PathBuf, sync::Arc, time::SystemTime};

use supervise::{
    effect::{Reason, StateName},
    event::Time,
    machine::UnitStatus,
    milestones::Milestones,
    spec::ServiceName,
};

use super::configuration::Compare;
use crate::control::types::{GatewayState, LimitsState, Urls};

/// How many changes of each service are remembered.
const HISTORY: usize = 50;

/// Everything that can be told, at one point in time.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The number of the snapshot. A later snapshot has a higher number.
    pub version: u64,
    /// Every service, in the order of their names.
    pub services: Vec<Arc<ServiceSnapshot>>,
    tally: Tally,
    /// What changes only with a new configuration.
    pub whole: Arc<Whole>,
    /// Why the last reload was refused, until one succeeds.
    pub refused: Option<String>,
    /// The last start of all services together.
    pub starts: Starts,
    /// Whether all services have been ready at the same time at least once.
    pub was_ready: bool,
    /// Whether the daemon is going down for good.
    pub ending: bool,
}

/// How many services are in each condition, so that nobody has to look at all of them after one has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    fine: usize,
    stopped: usize,
}

impl Tally {
    fn of(service: &ServiceSnapshot) -> Self {
        let status = &service.now.status;
        Self {
            fine: usize::from(status.is_fine()),
            stopped: usize::from(status.state == StateName::Stopped),
        }
    }

    fn add(&mut self, service: &ServiceSnapshot) {
        let Self { fine, stopped } = Self::of(service);
        self.fine += fine;
        self.stopped += stopped;
    }

    fn take_off(&mut self, service: &ServiceSnapshot) {
        let Self { fine, stopped } = Self::of(service);
        self.fine -= fine;
        self.stopped -= stopped;
    }
}

/// What changes only with a new configuration.
#[derive(Debug, Clone, Default)]
pub struct Whole {
    /// The resource profile's name.
    pub profile: String,
    /// Where people reach the gateway.
    pub urls: Urls,
    /// Whether the kernel enforces the limits.
    pub limits: LimitsState,
    /// The cgroup in which each service has a cgroup of its own. `None` if there are no cgroups.
    pub cgroup: Option<PathBuf>,
    /// Compares this configuration with the one on disk.
    pub compare: Compare,
}

/// One service: its current facts and its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSnapshot {
    /// What is known of it now.
    pub now: ServiceFacts,
    /// Its latest changes of state, oldest first.
    pub history: VecDeque<Transition>,
}

/// What is known of a service at one point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Its state as the machine has it.
    pub status: UnitStatus,
    /// The services that it requires.
    pub requires: Vec<ServiceName>,
    /// How far its newest start has come.
    pub milestones: Milestones,
    /// The main process of its newest instance, of which other processes may be left.
    pub process: Option<Process>,
    /// Its main process, as long as that runs.
    pub pid: Option<u32>,
    /// The sockets that are held for it.
    pub listens: Vec<String>,
    /// The most CPU time that it may use, in thousandths of a CPU.
    pub cpu_milli: Option<u32>,
    /// The folder in which it is launched.
    pub folder: PathBuf,
}

/// A process that was launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// The number of the process.
    pub pid: i32,
    /// When it was started, in clock ticks since boot.
    pub started: u64,
}

/// One change of a service's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// When the state changed.
    pub at: Time,
    /// The new state.
    pub state: StateName,
    /// Why the state changed.
    pub reason: Reason,
}

/// The last start of all services together: the daemon's own, or a restart of all. It is kept as it was when
/// everything was ready, because a service that is restarted later has a start of its own.
#[derive(Debug, Clone, Default)]
pub struct Starts {
    /// When it was asked for.
    pub asked: Time,
    /// Every service as it was when everything was ready. `None` if not everything has been ready yet.
    pub kept: Option<Arc<[Arc<ServiceSnapshot>]>>,
}

/// What is new since the previous snapshot.
#[derive(Debug, Default)]
pub struct Changes {
    /// Services that are new or may have changed.
    pub services: Vec<ServiceFacts>,
    /// Services that no longer exist.
    pub gone: Vec<ServiceName>,
    /// Changes of states, in the order in which they happened.
    pub transitions: Vec<(ServiceName, Transition)>,
    /// The new configuration, if another one has come into effect.
    pub whole: Option<Arc<Whole>>,
    /// The outcome of the last reload, if there was one: why it was refused, or that it was not.
    pub reload: Option<Option<String>>,
    /// When all services were asked to start, if they were.
    pub asked: Option<Time>,
    /// Whether the daemon is going down for good.
    pub ending: bool,
}

impl Changes {
    /// Removes what `snapshot` has already.
    fn beside(mut self, snapshot: &Snapshot) -> Self {
        let known = |service: &ServiceName| snapshot.service(service);
        self.services
            .retain(|facts| known(facts.name()).is_none_or(|service| service.now != *facts));
        self.gone.retain(|service| known(service).is_some());
        self.reload = self.reload.filter(|refused| *refused != snapshot.refused);
        self.ending &= !snapshot.ending;
        self
    }

    fn is_empty(&self) -> bool {
        let Self {
            services,
            gone,
            transitions,
            whole,
            reload,
            asked,
            ending,
        } = self;
        services.is_empty()
            && gone.is_empty()
            && transitions.is_empty()
            && whole.is_none()
            && reload.is_none()
            && asked.is_none()
            && !ending
    }
}

impl ServiceFacts {
    /// The service's name.
    pub const fn name(&self) -> &ServiceName {
        &self.status.instance.service
    }
}

impl ServiceSnapshot {
    /// The service's name.
    pub const fn name(&self) -> &ServiceName {
        self.now.name()
    }

    /// The service's state.
    pub const fn state(&self) -> StateName {
        self.now.status.state
    }

    fn remember(&mut self, transition: Transition) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(transition);
    }
}

impl Snapshot {
    /// The first snapshot: nothing is known of any service yet, and everything was asked to start at `asked`.
    pub fn first(whole: Whole, asked: Time) -> Self {
        Self {
            version: 0,
            services: Vec::new(),
            tally: Tally::default(),
            whole: Arc::new(whole),
            refused: None,
            starts: Starts { asked, kept: None },
            was_ready: false,
            ending: false,
        }
    }

    /// Finds the service of this name.
    pub fn service(&self, name: &ServiceName) -> Option<&ServiceSnapshot> {
        let at = self.find(name).ok()?;
        self.services.get(at).map(|service| &**service)
    }

    /// Finds the status of the service of this name.
    pub fn status(&self, name: &ServiceName) -> Option<&UnitStatus> {
        self.service(name).map(|service| &service.now.status)
    }

    fn find(&self, name: &ServiceName) -> Result<usize, usize> {
        self.services
            .binary_search_by(|service| service.name().cmp(name))
    }

    /// The status of every service, in the order of their names.
    pub fn statuses(&self) -> impl Iterator<Item = &UnitStatus> + Clone {
        self.services.iter().map(|service| &service.now.status)
    }

    /// Makes the next snapshot out of `snapshot` if one of these changes is new, and returns whether it did.
    /// A reader who has the previous snapshot keeps it.
    pub fn advance(snapshot: &mut Arc<Self>, changes: Changes) -> bool {
        let changes = changes.beside(snapshot);
        let new = !changes.is_empty();
        if new {
            Arc::make_mut(snapshot).take_in(changes);
        }
        new
    }

    fn take_in(&mut self, changes: Changes) {
        self.version += 1;
        for facts in changes.services {
            let at = match self.find(facts.name()) {
                Ok(at) => {
                    self.tally.take_off(&self.services[at]);
                    Arc::make_mut(&mut self.services[at]).now = facts;
                    at
                }
                Err(at) => {
                    let service = ServiceSnapshot {
                        now: facts,
                        history: VecDeque::new(),
                    };
                    self.services.insert(at, Arc::new(service));
                    at
                }
            };
            self.tally.add(&self.services[at]);
        }
        for (name, transition) in changes.transitions {
            if let Ok(at) = self.find(&name) {
                Arc::make_mut(&mut self.services[at]).remember(transition);
            }
        }
        for name in changes.gone {
            if let Ok(at) = self.find(&name) {
                self.tally.take_off(&self.services.remove(at));
            }
        }
        if let Some(whole) = changes.whole {
            self.whole = whole;
        }
        if let Some(refused) = changes.reload {
            self.refused = refused;
        }
        if let Some(asked) = changes.asked {
            self.starts = Starts { asked, kept: None };
        }
        self.ending |= changes.ending;
        if self.is_fine() {
            self.was_ready |= !self.ending;
            if self.starts.kept.is_none() {
                self.starts.kept = Some(self.services.as_slice().into());
            }
        }
    }

    /// Whether all services are fine: the same as [`supervise::machine::all_fine`] for all of them.
    pub fn is_fine(&self) -> bool {
        let Tally { fine, stopped } = self.tally;
        fine > 0 && fine + stopped == self.services.len()
    }

    /// The state of all services taken together.
    pub fn state(&self) -> GatewayState {
        let ill = |service: &UnitStatus| match service.state {
            StateName::Unhealthy | StateName::BackingOff | StateName::Failed => true,
            StateName::Waiting
            | StateName::Starting
            | StateName::Draining
            | StateName::Stopping => self.was_ready && !service.is_fine(),
            StateName::Ready
            | StateName::Running
            | StateName::Completed
            | StateName::Scheduled
            | StateName::Stopped => false,
        };
        if self.ending {
            GatewayState::Stopping
        } else if self.tally.stopped == self.services.len() {
            GatewayState::Stopped
        } else if self.statuses().any(ill) {
            GatewayState::Degraded
        } else if self.is_fine() {
            GatewayState::Ready
        } else {
            GatewayState::Starting
        }
    }
}

/// One point in time on the daemon's clock and as a date. All other times are converted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The point in time on the daemon's clock.
    pub time: Time,
    /// The point in time as a date.
    pub wall: SystemTime,
}

impl Now {
    /// Writes a time in the past as RFC 3339. It is counted back from the current date, so that it is right
    /// even if the clock was set after the boot.
    pub fn rfc3339(&self, time: Time) -> String {
        let ago = self.time.since(time);
        // A machine without a clock begins in 1970, and humantime knows nothing before that.
        let since = self.wall.duration_since(SystemTime::UNIX_EPOCH);
        let at = SystemTime::UNIX_EPOCH + since.unwrap_or_default().saturating_sub(ago);
        humantime::format_rfc3339_millis(at).to_string()
    }
}

#[cfg(test)]
mod tests;
