//! What follows between units once an event has been taken in, until nothing more follows.

use crate::{
    effect::{Effect, Reason},
    event::Time,
    machine::{
        Machine, Shutdown, Touched,
        unit::{After, Context, StartStep, State, Unit, Wanted, With},
    },
    spec::ServiceName,
};

/// What one unit is to do next because of what it and others want.
enum Step {
    Wait,
    Launch(With),
    Stop(Reason),
    /// It is a task whose time has not come.
    Rest,
    /// It is down already, and no process has to go.
    BeStopped,
    /// It was down, and may come up again.
    TurnUp,
    /// Something that it restarts with was restarted, or its specification is another now.
    Bounce,
}

impl Machine {
    /// `touched`: the units that the event may have changed. What a unit does next depends on itself
    /// and on its neighbours in the graph, so only those are looked at again after each step. It
    /// ends, since each step brings a unit nearer to what is wanted of it, and none takes it back.
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

    fn step(&self, service: &ServiceName) -> Option<Step> {
        let unit = self.units.get(service)?;
        match (unit.wanted, &unit.state) {
            (Wanted::Up, State::Stopped) if unit.spec.schedule().is_some() && !unit.owed => {
                Some(Step::Rest)
            }
            (Wanted::Up, State::Stopped) => Some(Step::Wait),
            (Wanted::Up, State::Waiting) => self
                .waits_for(unit)
                .is_empty()
                .then(|| Step::Launch(self.required(unit))),
            (Wanted::Up, State::Starting { .. } | State::Up(_)) => {
                let outdated = unit.next_spec.is_some();
                (outdated || self.restarted_requirement(unit).is_some()).then_some(Step::Bounce)
            }
            (
                Wanted::Down | Wanted::Bounce,
                State::Starting {
                    step: StartStep::Launching,
                    ..
                },
            ) => None,
            (Wanted::Down | Wanted::Bounce, State::Starting { .. } | State::Up(_)) => {
                (!self.held_up(service)).then(|| Step::Stop(self.why_stop(unit)))
            }
            (
                Wanted::Down | Wanted::Bounce,
                State::Waiting | State::BackingOff { .. } | State::Resting { .. } | State::Failed,
            ) => Some(Step::BeStopped),
            (Wanted::Bounce, State::Stopped) => Some(Step::TurnUp),
            (Wanted::Down, State::Stopped)
            | (Wanted::Up, State::BackingOff { .. } | State::Resting { .. } | State::Failed)
            | (
                Wanted::Up | Wanted::Down | Wanted::Bounce,
                State::Stopping { .. } | State::Clearing { .. },
            ) => None,
        }
    }

    fn take(&mut self, service: &ServiceName, step: Step, now: Time, effects: &mut Vec<Effect>) {
        let Some(unit) = self.units.get_mut(service) else {
            return;
        };
        let cx = &mut Context {
            now,
            rng: &mut self.rng,
            effects,
        };
        match step {
            Step::Rest => unit.rest(false, Reason::Requested, cx),
            Step::Wait => unit.enter(State::Waiting, Reason::Requested, cx),
            Step::Launch(with) => unit.launch(with, cx),
            Step::Stop(reason) => unit.begin_stop(After::Stop, reason, cx),
            Step::BeStopped => unit.enter(State::Stopped, Reason::Requested, cx),
            Step::TurnUp => unit.wanted = Wanted::Up,
            Step::Bounce => unit.wanted = Wanted::Bounce,
        }
    }

    fn why_stop(&self, unit: &Unit) -> Reason {
        match (unit.wanted, self.restarted_requirement(unit)) {
            (Wanted::Bounce, Some(requirement)) => Reason::RequirementRestarted(requirement),
            (Wanted::Up | Wanted::Down | Wanted::Bounce, _) => Reason::Requested,
        }
    }

    /// The requirements that are not ready, or are on their way down; nothing unless it waits.
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

    /// What it requires, once all of that is ready.
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

    /// A requirement that is ready in another instance than the one that `unit` was launched with.
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

    /// What a service requires, by way of those without a process too.
    fn add_requirements(&self, service: &ServiceName, found: &mut Touched) {
        for other in self.graph.requirements(service) {
            let unit = self.units.get(other);
            found.insert(other.clone());
            if unit.is_some_and(|unit| !unit.may_have_process()) {
                self.add_requirements(other, found);
            }
        }
    }

    /// Whether a dependant that is to go down as well has not done so yet. What an instance depends on
    /// is what it was launched with, which new specifications may have changed meanwhile.
    fn held_up(&self, service: &ServiceName) -> bool {
        let goes_down = |u: &Unit| u.wanted != Wanted::Up && u.may_have_process();
        // A completed task, or what somebody else runs, has no process: who requires it needs what it
        // requires.
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
