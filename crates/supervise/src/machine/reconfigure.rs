//! New specifications for a machine that runs.

use std::collections::BTreeMap;

use crate::{
    effect::Effect,
    event::Time,
    graph::{Graph, GraphError},
    machine::{
        Machine, Shutdown, Touched,
        unit::{State, Unit, Wanted},
    },
    spec::{ServiceName, ServiceSpec},
};

/// What new specifications come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconfigured {
    /// Services that were not there before; they are started.
    pub added: Vec<ServiceName>,
    /// Services that are different; those that run are restarted.
    pub changed: Vec<ServiceName>,
    /// Services that are only watched for leaks in another way; they run on.
    pub watched: Vec<ServiceName>,
    /// Services that are no longer there; they are stopped and forgotten.
    pub removed: Vec<ServiceName>,
}

impl Machine {
    /// Puts new specifications in the place of those that it has. Services whose specification is
    /// the same as before are not touched.
    ///
    /// # Errors
    /// The new ones cannot be supervised together; then everything stays as it is.
    pub fn reconfigure(
        &mut self,
        specs: Vec<ServiceSpec>,
        now: Time,
    ) -> Result<(Reconfigured, Vec<Effect>), GraphError> {
        self.graph = Graph::new(&specs)?;
        let running = self.shutdown == Shutdown::No;
        let mut specs: BTreeMap<_, _> = specs.into_iter().map(|s| (s.name.clone(), s)).collect();
        let mut news = Reconfigured::default();
        for (name, unit) in &mut self.units {
            match specs.remove(name) {
                Some(spec) => {
                    let watched = unit.adopt_policy(&spec, now);
                    if unit.adopt(spec, running) {
                        news.changed.push(name.clone());
                    } else if watched {
                        news.watched.push(name.clone());
                    }
                }
                None if unit.retired => {}
                None => {
                    unit.retired = true;
                    unit.wanted = Wanted::Down;
                    news.removed.push(name.clone());
                }
            }
        }
        for (name, spec) in specs {
            let mut unit = Unit::new(spec);
            unit.since = now;
            unit.generation = self.forgotten.remove(&name).unwrap_or(0);
            if running {
                unit.wanted = Wanted::Up;
            }
            self.units.insert(name.clone(), unit);
            news.added.push(name);
        }
        let mut effects = Vec::new();
        // All of them: the arrows between those that did not change may have.
        let touched: Touched = self.units.keys().cloned().collect();
        self.settle(touched, now, &mut effects);
        Ok((news, effects))
    }

    /// Forgets a service that is no longer there once nothing is left of it, but for the number of
    /// its last instance, so that one of this name that comes later cannot be taken for it.
    pub(super) fn forget_if_over(&mut self, service: &ServiceName) {
        let over = |unit: &Unit| unit.retired && unit.state == State::Stopped;
        if self.units.get(service).is_some_and(over)
            && let Some(unit) = self.units.remove(service)
        {
            self.forgotten.insert(service.clone(), unit.generation);
        }
    }
}

impl Unit {
    /// Takes another way to be watched for leaks, at once; whether it is another.
    fn adopt_policy(&mut self, spec: &ServiceSpec, now: Time) -> bool {
        if let Some(next) = &mut self.next_spec {
            next.recycle.clone_from(&spec.recycle);
        }
        if self.spec.recycle == spec.recycle {
            return false;
        }
        self.spec.recycle.clone_from(&spec.recycle);
        self.watch_anew(now);
        true
    }

    /// Takes a specification for its next instance; whether that changes anything.
    fn adopt(&mut self, spec: ServiceSpec, running: bool) -> bool {
        let known = self.next_spec.as_deref().unwrap_or(&self.spec);
        if *known == spec && !self.retired {
            return false;
        }
        // One that was on its way out comes back.
        if std::mem::replace(&mut self.retired, false) && running {
            self.wanted = Wanted::Up;
        }
        if self.may_have_process() {
            // To be what it was before is no reason to restart.
            self.next_spec = (self.spec != spec).then(|| Box::new(spec));
        } else {
            self.spec = spec;
            self.next_spec = None;
            // What was given up on may work now.
            if self.state == State::Failed && self.wanted == Wanted::Up {
                self.streak = 0;
                self.wanted = Wanted::Bounce;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
