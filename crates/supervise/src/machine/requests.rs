//! Requests: whom they are about, whether they may be, and what they make the units want.

use crate::{
    effect::{Effect, Reason},
    event::{Request, Target, Time},
    machine::{
        Machine, Shutdown, Touched,
        unit::{Context, State, Unit, Wanted},
    },
    spec::ServiceName,
};

/// Why a request changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no service of that name.
    #[error("there is no service named {0}")]
    Unknown(ServiceName),
    /// Everything is going down.
    #[error("the gateway is shutting down")]
    ShuttingDown,
    /// The service has no reload action.
    #[error("{0} has no way to read its files again while it runs")]
    NoReload(ServiceName),
    /// The service is not up.
    #[error("{0} is not up: it reads its files when it starts")]
    NotUp(ServiceName),
}

impl Machine {
    /// Whether a request would be acted on. A request that asks for what is so already is admitted.
    ///
    /// # Errors
    /// Says why not.
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
                    // One that has a time of its own is not run because everything restarts.
                    let runs = *target != Target::All || !self.has_schedule(&service);
                    let mut with = self.start_one(&service, runs, now, effects);
                    touched.append(&mut with);
                }
                touched
            }
            Request::Reload(service) => {
                let cx = &mut Context {
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

    /// Wants a service and all that it requires. If it is a task, it `runs` now.
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
            let cx = &mut Context {
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

    /// A person's wish forgives what went wrong before.
    fn want_up(&mut self, service: &ServiceName, now: Time, effects: &mut Vec<Effect>) {
        let Some(unit) = self.units.get_mut(service) else {
            return;
        };
        // One that goes down to come up again does so all the same.
        if unit.wanted != Wanted::Bounce {
            unit.wanted = Wanted::Up;
        }
        match &unit.state {
            State::BackingOff { .. } | State::Failed => {
                unit.streak = 0;
                let mut cx = Context {
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

    /// The target and all that it requires, by way of others too.
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
