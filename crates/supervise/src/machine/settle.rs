//! What an event in one unit makes other units do. The machine goes on until nothing more follows.

use crate::{
    effect::{Effect, Reason},
    event::Time,
    machine::{
        Machine, Shutdown, Touched,
        unit::{After, HandlerContext, StartStep, State, Unit, Wanted, With},
    },
    spec::ServiceName,
};

/// What one unit does next because of what it and its neighbours want.
enum Action {
    Wait,
    Launch(With),
    Stop(Reason),
    /// A task waits for its scheduled time.
    Rest,
    /// The unit is down already and has no process to end, so it is stopped at once.
    BeStopped,
    /// The unit was to go down first, is down, and may come up again.
    TurnUp,
    /// The unit goes down and comes up again, because a requirement that it restarts with was restarted, or
    /// because it has a new specification.
    Bounce,
}

impl Machine {
    /// Takes the steps that follow from an event. `touched` are the units that the event may have changed.
    /// What a unit does next depends on itself and on its neighbours in the graph, so only those are looked
    /// at again after each step. The loop ends because each step brings a unit nearer to what it wants to
    /// be, and no step takes that back.
    pub(super) fn settle(&mut self, mut touched: Touched, now: Time, effects: &mut Vec<Effect>) {
        let neighbours = |machine: &Self, service: &ServiceName| -> Touched {
            let graph = &machine.graph;
            let unit = machine.units.get(service);
            let mut found: Touched = graph
                .dependants(service)
                .chain(unit.into_iter().flat_map(|unit| unit.launched_with.keys()))
                .cloned()
                .collect();
            machine.add_requirements(service, &mut found);
            found
        };
        let mut around: Touched = touched.iter().flat_map(|s| neighbours(self, s)).collect();
        touched.append(&mut around);
        while let Some(service) = touched.pop_first() {
            if let Some(step) = self.step(&service) {
                self.take(&service, step, now, effects);
                touched.append(&mut neighbours(self, &service));
                touched.insert(service);
            } else {
                self.forget_if_over(&service);
                self.news.insert(service);
            }
        }
        if self.shutdown == Shutdown::Asked
            && self.units.values().all(|u| u.state == State::Stopped)
        {
            self.shutdown = Shutdown::Complete;
            effects.push(Effect::ShutdownComplete);
        }
    }

    fn step(&self, service: &ServiceName) -> Option<Action> {
        let unit = self.units.get(service)?;
        match (unit.wanted, &unit.state) {
            (Wanted::Up, State::Stopped) if unit.spec.schedule().is_some() && !unit.owed => {
                Some(Action::Rest)
            }
            (Wanted::Up, State::Stopped) => Some(Action::Wait),
            (Wanted::Up, State::Waiting) => self
                .waits_for(unit)
                .is_empty()
                .then(|| Action::Launch(self.required(unit))),
            (Wanted::Up, State::Starting { .. } | State::Up(_)) => {
                let outdated = unit.next_spec.is_some();
                (outdated || self.restarted_requirement(unit).is_some()).then_some(Action::Bounce)
            }
            (
                Wanted::Down | Wanted::Bounce,
                State::Starting {
                    step: StartStep::Launching,
                    ..
                },
            ) => None,
            (Wanted::Down | Wanted::Bounce, State::Starting { .. } | State::Up(_)) => {
                (!self.held_up(service)).then(|| Action::Stop(self.why_stop(unit)))
            }
            (
                Wanted::Down | Wanted::Bounce,
                State::Waiting | State::BackingOff { .. } | State::Resting { .. } | State::Failed,
            ) => Some(Action::BeStopped),
            (Wanted::Bounce, State::Stopped) => Some(Action::TurnUp),
            (Wanted::Down, State::Stopped)
            | (Wanted::Up, State::BackingOff { .. } | State::Resting { .. } | State::Failed)
            | (
                Wanted::Up | Wanted::Down | Wanted::Bounce,
                State::Stopping { .. } | State::Clearing { .. },
            ) => None,
        }
    }

    fn take(&mut self, service: &ServiceName, step: Action, now: Time, effects: &mut Vec<Effect>) {
        let Some(unit) = self.units.get_mut(service) else {
            return;
        };
        let cx = &mut HandlerContext {
            now,
            rng: &mut self.rng,
            effects,
        };
        match step {
            Action::Rest => unit.rest(false, Reason::Requested, cx),
            Action::Wait => unit.enter(State::Waiting, Reason::Requested, cx),
            Action::Launch(with) => unit.launch(with, cx),
            Action::Stop(reason) => unit.begin_stop(After::Stop, reason, cx),
            Action::BeStopped => unit.enter(State::Stopped, Reason::Requested, cx),
            Action::TurnUp => unit.wanted = Wanted::Up,
            Action::Bounce => unit.wanted = Wanted::Bounce,
        }
    }

    fn why_stop(&self, unit: &Unit) -> Reason {
        match (unit.wanted, self.restarted_requirement(unit)) {
            (Wanted::Bounce, Some(requirement)) => Reason::RequirementRestarted(requirement),
            (Wanted::Up | Wanted::Down | Wanted::Bounce, _) => Reason::Requested,
        }
    }

    /// The requirements that are not ready, or are about to stop. Empty unless the unit waits.
    pub(super) fn waits_for(&self, unit: &Unit) -> Vec<ServiceName> {
        if unit.state != State::Waiting {
            return Vec::new();
        }
        let settled = |u: &Unit| u.is_ready() && u.wanted == Wanted::Up;
        self.graph
            .requirements(&unit.spec.name)
            .filter(|name| !self.units.get(*name).is_some_and(settled))
            .cloned()
            .collect()
    }

    /// The instances of its requirements, once all of them are ready.
    fn required(&self, unit: &Unit) -> With {
        let generation = |name: &ServiceName| self.units.get(name).map_or(0, |u| u.generation);
        let ready_since = |name: &ServiceName| Some((self.units.get(name)?.since, name.clone()));
        let requirements = || self.graph.requirements(&unit.spec.name);
        let last = requirements().filter_map(ready_since).max();
        With {
            generations: requirements().map(|n| (n.clone(), generation(n))).collect(),
            waited_for: last
                .filter(|(since, _)| *since > unit.since)
                .map(|(_, name)| name),
        }
    }

    /// A requirement that is ready, but in another instance than the one that `unit` was launched with.
    fn restarted_requirement(&self, unit: &Unit) -> Option<ServiceName> {
        if !unit.spec.restart_with_requirements {
            return None;
        }
        let another = |name: &ServiceName, generation: u64| {
            self.units
                .get(name)
                .is_some_and(|u| u.is_ready() && u.generation != generation)
        };
        let (name, _) = unit
            .launched_with
            .iter()
            .find(|(name, generation)| another(name, **generation))?;
        Some(name.clone())
    }

    /// What a service requires. A requirement without a process counts with its own requirements.
    fn add_requirements(&self, service: &ServiceName, found: &mut Touched) {
        for other in self.graph.requirements(service) {
            let unit = self.units.get(other);
            found.insert(other.clone());
            if unit.is_some_and(|unit| !unit.may_have_process()) {
                self.add_requirements(other, found);
            }
        }
    }

    /// Whether a dependant that is to go down as well still runs. The dependants of an instance are those
    /// that were launched with it, because new specifications may have changed the graph meanwhile.
    fn held_up(&self, service: &ServiceName) -> bool {
        let goes_down = |u: &Unit| u.wanted != Wanted::Up && u.may_have_process();
        // A completed task and an external service have no process. A service that requires one of them
        // needs what that one requires in turn.
        let by_graph = |name: &ServiceName| {
            let unit = self.units.get(name);
            unit.is_some_and(|unit| {
                goes_down(unit) || (!unit.may_have_process() && self.held_up(name))
            })
        };
        let of_before = |u: &Unit| u.retired || u.next_spec.is_some();
        self.graph.dependants(service).any(by_graph)
            || self
                .units
                .values()
                .any(|u| of_before(u) && goes_down(u) && u.launched_with.contains_key(service))
    }
}
