//! Requests: which services they concern, whether they are allowed, and what they make the units want.

use crate::{
    effect::{Effect, Reason},
    event::{Request, Target, Time},
    machine::{
        Machine, Shutdown, Touched,
        unit::{HandlerContext, State, Unit, Wanted},
    },
    spec::ServiceName,
};

/// Why a request is refused. A refused request changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no service of that name.
    #[error("there is no service named {0}")]
    Unknown(ServiceName),
    /// The supervisor is shutting down.
    #[error("the gateway is shutting down")]
    ShuttingDown,
    /// The service has no reload action.
    #[error("{0} has no way to read its files again while it runs")]
    NoReload(ServiceName),
    /// The service is neither ready nor unhealthy, so it cannot reload.
    #[error("{0} is not up: it reads its files when it starts")]
    NotUp(ServiceName),
}

impl Machine {
    /// Whether a request would be carried out. A request for a state that holds already is allowed.
    ///
    /// # Errors
    /// The reason for which the request is refused.
    pub fn admit(&self, request: &Request) -> Result<(), Denied> {
        match request {
            Request::Shutdown => Ok(()),
            Request::Reload(service) => self.admit_reload(service),
            Request::Start(target) | Request::Restart(target) | Request::Stop(target) => {
                if let Target::One(service) = target
                    && self.units.get(service).is_none_or(|unit| unit.retired)
                {
                    return Err(Denied::Unknown(service.clone()));
                }
                match (self.shutdown, request) {
                    (Shutdown::No, _) | (_, Request::Stop(_)) => Ok(()),
                    (Shutdown::Asked | Shutdown::Complete, _) => Err(Denied::ShuttingDown),
                }
            }
        }
    }

    fn admit_reload(&self, service: &ServiceName) -> Result<(), Denied> {
        let unit = self.units.get(service).filter(|unit| !unit.retired);
        let Some(unit) = unit else {
            return Err(Denied::Unknown(service.clone()));
        };
        match &unit.state {
            _ if self.shutdown != Shutdown::No => Err(Denied::ShuttingDown),
            _ if unit.spec.reload.is_none() => Err(Denied::NoReload(service.clone())),
            State::Up(_) => Ok(()),
            State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => Err(Denied::NotUp(service.clone())),
        }
    }

    pub(super) fn request(
        &mut self,
        request: &Request,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Touched {
        if self.admit(request).is_err() {
            return Touched::new();
        }
        match request {
            Request::Start(target) => self.start(target, now, effects),
            Request::Stop(target) => self.want_all(&self.named(target), Wanted::Down),
            Request::Restart(target) => {
                let (live, down): (Vec<_>, Vec<_>) = self
                    .named(target)
                    .into_iter()
                    .partition(|s| self.units.get(s).is_some_and(Unit::may_have_process));
                let mut touched = self.want_all(&live, Wanted::Bounce);
                for service in down {
                    // A task with a schedule does not run because everything is restarted; it waits for its
                    // time.
                    let runs = *target != Target::All || !self.has_schedule(&service);
                    let mut with = self.start_one(&service, runs, now, effects);
                    touched.append(&mut with);
                }
                touched
            }
            Request::Reload(service) => {
                let cx = &mut HandlerContext {
                    now,
                    rng: &mut self.rng,
                    effects,
                };
                let unit = self.units.get_mut(service);
                unit.into_iter().for_each(|unit| unit.begin_reload(cx));
                Touched::from([service.clone()])
            }
            Request::Shutdown => {
                if self.shutdown == Shutdown::No {
                    self.shutdown = Shutdown::Asked;
                }
                self.want_all(&self.named(&Target::All), Wanted::Down)
            }
        }
    }

    fn start(&mut self, target: &Target, now: Time, effects: &mut Vec<Effect>) -> Touched {
        if let Target::One(service) = target {
            return self.start_one(service, true, now, effects);
        }
        let services = self.with_requirements(target);
        for service in &services {
            self.want_up(service, now, effects);
        }
        services
    }

    /// Makes a service and everything that it requires want to be up. If the service is a task, `runs` has
    /// it run now.
    fn start_one(
        &mut self,
        service: &ServiceName,
        runs: bool,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Touched {
        let services = self.with_requirements(&Target::One(service.clone()));
        for service in &services {
            self.want_up(service, now, effects);
        }
        let task = self.units.get_mut(service);
        if let Some(task) = task.filter(|unit| runs && unit.spec.task().is_some()) {
            let cx = &mut HandlerContext {
                now,
                rng: &mut self.rng,
                effects,
            };
            task.run_now(Reason::Requested, cx);
        }
        services
    }

    fn has_schedule(&self, service: &ServiceName) -> bool {
        let unit = self.units.get(service);
        unit.is_some_and(|unit| unit.spec.schedule().is_some())
    }

    fn want_all(&mut self, services: &[ServiceName], wanted: Wanted) -> Touched {
        for service in services {
            if let Some(unit) = self.units.get_mut(service) {
                unit.wanted = wanted;
            }
        }
        services.iter().cloned().collect()
    }

    /// A request by a person clears the failures before it: the full restart credit is there again.
    fn want_up(&mut self, service: &ServiceName, now: Time, effects: &mut Vec<Effect>) {
        let Some(unit) = self.units.get_mut(service) else {
            return;
        };
        // A service that goes down in order to come up again is not disturbed by this.
        if unit.wanted != Wanted::Bounce {
            unit.wanted = Wanted::Up;
        }
        match &unit.state {
            State::BackingOff { .. } | State::Failed => {
                unit.streak = 0;
                let mut cx = HandlerContext {
                    now,
                    rng: &mut self.rng,
                    effects,
                };
                unit.enter(State::Waiting, Reason::Requested, &mut cx);
            }
            State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::Resting { .. }
            | State::Stopping { .. }
            | State::Clearing { .. } => {}
        }
    }

    fn named(&self, target: &Target) -> Vec<ServiceName> {
        match target {
            Target::All => self.graph.start_order().to_vec(),
            Target::One(service) => vec![service.clone()],
        }
    }

    /// The target and everything that it requires, directly and indirectly.
    pub(super) fn with_requirements(&self, target: &Target) -> Touched {
        let mut found = Touched::new();
        let mut to_visit = self.named(target);
        while let Some(service) = to_visit.pop() {
            to_visit.extend(self.graph.requirements(&service).cloned());
            found.insert(service);
        }
        found
    }
}
