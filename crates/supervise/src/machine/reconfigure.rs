//! New specifications for a machine that runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    change::{Class, Field, class, differences},
    effect::{Effect, News},
    event::{Event, Instance, Time},
    graph::{Graph, GraphError},
    machine::{
        Machine, Shutdown, Touched,
        unit::{HandlerContext, State, Unit, Wanted},
    },
    spec::{Limits, ServiceName, ServiceSpec},
};

/// Specifications that can be supervised together.
#[derive(Debug, Clone)]
pub struct Checked {
    pub(super) specs: Vec<ServiceSpec>,
    pub(super) graph: Graph,
}

impl Checked {
    /// Checks them as a whole.
    ///
    /// # Errors
    /// See [`GraphError`].
    pub fn new(specs: Vec<ServiceSpec>) -> Result<Self, GraphError> {
        let graph = Graph::new(&specs)?;
        Ok(Self { specs, graph })
    }
}

/// What new specifications would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconfigured {
    /// Services that are new; they are started.
    pub added: Vec<ServiceName>,
    /// Services whose specification has changed.
    pub changed: Vec<Changed>,
    /// Services that are gone; they are stopped and forgotten.
    pub removed: Vec<ServiceName>,
}

/// A service whose specification has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The service.
    pub service: ServiceName,
    /// How it takes up what is new.
    pub uptake: Uptake,
    /// The fields that differ from the specification before.
    pub fields: Vec<Field>,
    /// Only in a preview: why the service would restart although its changed fields need less. It uses more
    /// memory than its new limits allow.
    pub over_limit: Option<String>,
}

/// How a service takes up a new specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Uptake {
    /// It takes effect while the service runs, and the service does not notice.
    Live,
    /// The service reads its files again.
    Reload,
    /// The service is restarted.
    Restart,
    /// No instance runs; the next one has the new specification.
    NextStart,
}

impl Machine {
    /// Replaces all specifications. A service whose specification is the same as before is not touched. The
    /// files of the new specifications have to be written before the effects are carried out.
    pub fn reconfigure(&mut self, new: Checked, now: Time) -> (Reconfigured, Vec<Effect>) {
        self.graph = new.graph;
        let running = self.shutdown == Shutdown::No;
        let mut specs: BTreeMap<_, _> =
            new.specs.into_iter().map(|s| (s.name.clone(), s)).collect();
        let mut news = Reconfigured::default();
        let mut effects = Vec::new();
        for (name, unit) in &mut self.units {
            match specs.remove(name) {
                Some(spec) => {
                    let cx = &mut HandlerContext {
                        now,
                        rng: &mut self.rng,
                        effects: &mut effects,
                    };
                    news.changed.extend(unit.adopt(spec, running, cx));
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
        // All units are looked at, because the requirements between unchanged services may have changed.
        let touched: Touched = self.units.keys().cloned().collect();
        self.settle(touched, now, &mut effects);
        (news, effects)
    }

    /// What new specifications would change if they were applied now. Nothing changes.
    ///
    /// `over` is asked about an instance that runs and says in words whether it uses more memory than these
    /// limits allow. The answer to [`Effect::Limit`] would say the same, and the instance would restart.
    pub fn preview(
        &self,
        new: Checked,
        now: Time,
        over: impl Fn(&Instance, &Limits) -> Option<String>,
    ) -> Reconfigured {
        let mut then = self.clone();
        let (mut news, effects) = then.reconfigure(new, now);
        for effect in effects {
            if let Effect::Limit(instance) = effect
                && let Some(spec) = then.spec(&instance.service)
                && let Some(why) = over(&instance, &spec.limits)
            {
                then.refuse_limits(&instance, why, now, &mut news);
            }
        }
        news
    }

    /// Records that this answer makes an instance restart.
    fn refuse_limits(
        &mut self,
        instance: &Instance,
        why: String,
        now: Time,
        news: &mut Reconfigured,
    ) {
        let mut changed = news.changed.iter_mut();
        let changed = changed.find(|changed| changed.service == instance.service);
        let answer = Event::Limited {
            instance: instance.clone(),
            result: Err(why.clone()),
        };
        let gives_way = self
            .handle(answer, now)
            .iter()
            .any(|effect| matches!(effect, Effect::Told(_, News::OverLimit(_))));
        if gives_way && let Some(changed) = changed {
            changed.uptake = Uptake::Restart;
            changed.over_limit = Some(why);
        }
    }

    /// Forgets a removed service once nothing is left of it, except for the number of its last instance, so
    /// that a later service of the same name does not use a number twice.
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
    /// Takes another specification. Returns `None` if it is the same as before.
    fn adopt(
        &mut self,
        spec: ServiceSpec,
        running: bool,
        cx: &mut HandlerContext<'_>,
    ) -> Option<Changed> {
        let known = self.next_spec.as_deref().unwrap_or(&self.spec);
        let found = differences(known, &spec);
        if found.is_empty() && !self.retired && self.outdated.is_none() {
            return None;
        }
        // The service was being removed and is in the configuration again.
        if std::mem::replace(&mut self.retired, false) && running {
            self.wanted = Wanted::Up;
        }
        Some(Changed {
            service: spec.name.clone(),
            uptake: self.take_up(spec, cx),
            fields: found
                .into_iter()
                .map(|difference| difference.field)
                .collect(),
            over_limit: None,
        })
    }

    fn take_up(&mut self, spec: ServiceSpec, cx: &mut HandlerContext<'_>) -> Uptake {
        let uptake = self.uptake(&spec);
        match uptake {
            Uptake::Live => {
                self.next_spec = None;
                self.adjust(spec, cx);
            }
            Uptake::Reload => {
                self.next_spec = None;
                self.adjust(spec, cx);
                self.begin_reload(cx);
            }
            Uptake::Restart => self.next_spec = Some(Box::new(spec)),
            Uptake::NextStart if self.is_under_way() => self.next_spec = Some(Box::new(spec)),
            Uptake::NextStart => return self.take_up_at_rest(spec, cx),
        }
        uptake
    }

    /// Takes a specification while no instance is under way.
    fn take_up_at_rest(&mut self, spec: ServiceSpec, cx: &mut HandlerContext<'_>) -> Uptake {
        let other = class(&differences(&self.spec, &spec)) == Some(Class::Restart);
        let old = std::mem::replace(&mut self.spec, spec);
        let once = self.spec.schedule().is_none();
        let again = match &self.state {
            // The task that has completed was another one, or the task has lost its schedule.
            State::Resting { done } => once && (other || !done),
            // The new specification may work where the old one failed.
            State::Failed => true,
            State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. } => false,
        };
        if again && self.wanted == Wanted::Up {
            self.streak = 0;
            self.owed = self.state == State::Failed && self.spec.task().is_some();
            self.wanted = Wanted::Bounce;
            return Uptake::Restart;
        }
        let rests = matches!(self.state, State::Resting { .. } | State::Failed);
        if rests && old.schedule() != self.spec.schedule() {
            self.ask_when(cx);
        }
        Uptake::NextStart
    }

    /// The smallest action that makes a specification take effect. It is compared with the specification
    /// that the running instance was launched from, so that a change that is taken back causes no restart.
    fn uptake(&self, spec: &ServiceSpec) -> Uptake {
        let found = differences(&self.spec, spec);
        // A task has no start-up phase.
        let task = spec.task().is_some();
        let has = |field: Field| found.iter().any(|difference| difference.field == field);
        let least = match &self.state {
            // The service may have read the old files already, and the probe that is under way follows the
            // old specification.
            State::Starting { .. } if has(Field::Files) || (has(Field::Startup) && !task) => {
                Some(Class::Restart)
            }
            State::Up(_) if self.outdated.is_some() => {
                let again = spec
                    .reload
                    .as_ref()
                    .map_or(Class::Restart, |_| Class::Reload);
                class(&found).max(Some(again))
            }
            State::Starting { .. } | State::Up(_) => class(&found),
            State::Stopped
            | State::Waiting
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => return Uptake::NextStart,
        };
        match least {
            None | Some(Class::Live) => Uptake::Live,
            Some(Class::Reload) => Uptake::Reload,
            Some(Class::Restart) => Uptake::Restart,
        }
    }
}

#[cfg(test)]
mod tests;
