//! The daemon: the machine, and whom its decisions go to.
//!
//! One owner of all state. What happens comes in by [`Daemon::feed`] and goes through the machine to the
//! executor, which acts, and to the publisher, who tells. Calls (`calls`) and reloads (`reload`) add what is
//! theirs; `turn` waits for whatever is next.

use std::collections::VecDeque;

use supervise::{
    effect::Effect,
    event::{Event, Request, Target},
    machine::Machine,
    spec::ServiceName,
};

use super::{
    Options, Planned, Replan, RunError,
    clock::{self, Clock},
    executor::{Executor, Launched, launch::open_files},
    publisher::{self, Publisher},
    sight::Sight,
    waiters::{Goal, Progress, Waiters},
    wishes::Wishes,
};
use crate::{
    config::paths::Paths,
    logs::messages,
    systemd::notify::{Manager, View},
};

/// The daemon.
pub(super) struct Daemon {
    pub(super) machine: Machine,
    pub(super) executor: Executor,
    pub(super) publisher: Publisher,
    pub(super) paths: Paths,
    pub(super) planned: Planned,
    pub(super) waiters: Waiters,
    pub(super) manager: Manager,
    /// Whether something may be new to the manager.
    pub(super) untold: bool,
    /// Reloads that are under way.
    pub(super) reloads: Vec<Goal>,
    /// Those for which the configuration is still to be read.
    pub(super) wishes: Wishes,
    /// How often a person or systemd has asked for the end.
    pub(super) asked_to_end: u32,
    pub(super) complete: bool,
    pub(super) replan: Replan,
}

impl Daemon {
    pub(super) fn new(
        options: Options,
        clock: Clock,
        publisher: Publisher,
        launched: Launched,
    ) -> Result<Self, RunError> {
        let Options {
            paths,
            output,
            planned,
            replan,
        } = options;
        let particulars = planned.stack.particulars.clone();
        let executor = Executor::new(clock, paths.clone(), output, launched, particulars);
        Ok(Self {
            machine: Machine::new(planned.stack.services.clone(), clock::seed())?,
            publisher,
            executor,
            paths,
            planned,
            waiters: Waiters::default(),
            manager: Manager::of_process(clock.now()),
            untold: true,
            reloads: Vec::new(),
            wishes: Wishes::default(),
            asked_to_end: 0,
            complete: false,
            replan,
        })
    }

    /// Everything that can be told of.
    pub(super) fn sight(&self) -> Sight<'_> {
        Sight {
            machine: &self.machine,
            executor: &self.executor,
            publisher: &self.publisher,
            planned: &self.planned,
            ending: self.asked_to_end > 0,
        }
    }

    pub(super) fn begin(&mut self) {
        tracing::info!(
            message_id = messages::GATEWAY_STARTING.id,
            "ai-gateway {} starts {} services with profile {}",
            env!("CARGO_PKG_VERSION"),
            self.planned.stack.services.len(),
            self.planned.profile
        );
        if let Some(reason) = self.executor.groups.state().reason {
            tracing::warn!(
                message_id = messages::LIMITS_NOT_ENFORCED.id,
                "limits are not enforced: {reason}"
            );
        }
        if let Some(lack) = open_files().and_then(|(_, hard)| crate::open_files::lack(hard)) {
            tracing::warn!("{lack}");
        }
        self.feed([Event::Request(Request::Start(Target::All))]);
    }

    /// Event, effects, what they answer at once, and so on until nothing more follows; then those
    /// who wait.
    pub(super) fn feed(&mut self, events: impl Into<VecDeque<Event>>) {
        self.carry_out(Vec::new(), events.into());
    }

    /// The same after effects that no event has brought: those of new specifications.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, mut events: VecDeque<Event>) {
        self.untold = true;
        let answers = self.act_all(effects);
        // What is done already comes before what is asked for.
        answers
            .into_iter()
            .rev()
            .for_each(|event| events.push_front(event));
        while let Some(event) = events.pop_front() {
            let effects = self.machine.handle(event, self.executor.clock.now());
            events.extend(self.act_all(effects));
        }
        self.tell_of_changes();
        if !self.waiters.is_empty() {
            let status: Vec<_> = self.machine.status().collect();
            self.waiters.settle(&status);
        }
    }

    fn act_all(&mut self, effects: Vec<Effect>) -> Vec<Event> {
        self.keep_listeners(&effects);
        let answers = effects.into_iter().filter_map(|effect| match effect {
            Effect::Changed(change) => {
                let spec = self.machine.spec(&change.instance.service);
                let again = spec.is_some_and(|spec| spec.schedule().is_some());
                self.publisher.changed(&change, again, self.executor.clock);
                None
            }
            Effect::Told(instance, news) => {
                publisher::told(&instance, &news);
                None
            }
            Effect::ShutdownComplete => {
                self.complete = true;
                None
            }
            effect => self.executor.act(effect, &self.machine),
        });
        answers.collect()
    }

    /// Before the effects of what may have changed who is expected to run: a restart passes through
    /// *stopped*, and is no reason to close anything.
    fn keep_listeners(&mut self, effects: &[Effect]) {
        let changed = |effect: &Effect| matches!(effect, Effect::Changed(_));
        if !effects.iter().any(changed) {
            return;
        }
        for spec in self.machine.specs() {
            if spec.listeners.is_empty() {
                continue;
            }
            if self.machine.expects(&spec.name) {
                self.executor.listeners.hold(spec);
            } else {
                self.executor.listeners.close(&spec.name);
            }
        }
        let known = |service: &ServiceName| self.machine.spec(service).is_some();
        self.executor.listeners.close_unless(known);
    }

    fn tell_of_changes(&mut self) {
        let ending = self.asked_to_end > 0;
        self.publisher
            .tell(&self.machine, self.executor.clock, ending);
    }

    /// What systemd wants to know, if it listens.
    pub(super) fn tell_manager(&mut self) {
        self.untold = false;
        if !self.manager.listens() {
            return;
        }
        let services: Vec<_> = self.machine.status().collect();
        let view = View {
            services: &services,
            patience: self.machine.patience(),
            now: self.executor.clock.now(),
        };
        if self.asked_to_end > 0 {
            return self.manager.tell(|herald| herald.stopping(view));
        }
        let reloading = !self.reloads.is_empty();
        self.reloads
            .retain(|goal| goal.progress(&services) == Progress::Under);
        if reloading && self.reloads.is_empty() {
            self.manager.tell(|herald| herald.reloaded(None, view));
        }
        self.manager.tell(|herald| herald.news(view));
    }

    /// By a signal. Somebody who asks three times does not want to wait.
    pub(super) fn asked_to_end(&mut self) {
        self.asked_to_end += 1;
        match self.asked_to_end {
            1 => tracing::info!(message_id = messages::GATEWAY_STOPPING.id, "stopping"),
            2 => tracing::warn!("still stopping; once more, and whatever is left is killed"),
            _ => self.executor.kill_everything(),
        }
        self.feed([Event::Request(Request::Shutdown)]);
    }
}
