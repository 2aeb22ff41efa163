//! The daemon: it owns the machine and passes the machine's decisions on.
//!
//! It is the only owner of all state. Events enter by [`Daemon::feed`] and go through the machine to the
//! executor, which acts, and to the publisher, which publishes. `calls` handles orders and `reload` new
//! configurations; `turn` waits for the next input.

use std::collections::VecDeque;

use supervise::{
    effect::Effect,
    event::{Event, Request, Target},
    machine::Machine,
};

use super::{
    DaemonOptions, Planned, Replan, RunError,
    executor::{Executor, Launched},
    facts::facts,
    publisher::{self, Publisher},
    reload_queue::ReloadQueue,
    waiters::{Goal, GoalState, Waiters},
};
use crate::{
    clock::{self, Clock},
    logs::messages,
    open_files,
    publish::Whole,
    systemd::notify::{Manager, View},
};

/// The daemon.
pub(super) struct Daemon {
    pub(super) machine: Machine,
    pub(super) executor: Executor,
    pub(super) publisher: Publisher,
    pub(super) planned: Planned,
    pub(super) waiters: Waiters,
    pub(super) manager: Manager,
    /// Whether there may be something that systemd was not told yet.
    pub(super) untold: bool,
    /// The goals of the reloads that are under way.
    pub(super) reloads: Vec<Goal>,
    /// The requests for which the configuration still has to be read.
    pub(super) reload_queue: ReloadQueue,
    /// How often a person or systemd has asked for the end of the daemon.
    pub(super) asked_to_end: u32,
    pub(super) complete: bool,
    pub(super) replan: Replan,
}

impl Daemon {
    pub(super) fn new(
        options: DaemonOptions,
        clock: Clock,
        launched: Launched,
    ) -> Result<Self, RunError> {
        let DaemonOptions {
            paths,
            output,
            planned,
            replan,
        } = options;
        let particulars = planned.stack.particulars.clone();
        let executor = Executor::new(clock, paths, output, launched, particulars);
        Ok(Self {
            machine: Machine::new(planned.stack.services.clone(), clock::seed())?,
            publisher: Publisher::new(whole(&planned, &executor), clock.now()),
            executor,
            planned,
            waiters: Waiters::default(),
            manager: Manager::of_process(clock.now()),
            untold: true,
            reloads: Vec::new(),
            reload_queue: ReloadQueue::default(),
            asked_to_end: 0,
            complete: false,
            replan,
        })
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
        if let Some(lack) = open_files::limits().and_then(|(_, hard)| open_files::lack(hard)) {
            tracing::warn!("{lack}");
        }
        self.feed([Event::Request(Request::Start(Target::All))]);
    }

    /// Handles an event: the machine returns effects, the executor carries them out, and the events that
    /// they cause at once are handled in the same way until nothing more follows. Then callers who wait are
    /// answered.
    pub(super) fn feed(&mut self, events: impl Into<VecDeque<Event>>) {
        self.carry_out(Vec::new(), events.into());
    }

    /// Does the same for effects that no event has caused: those of new specifications.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, mut events: VecDeque<Event>) {
        let answers = self.act_all(effects);
        // What the effects have caused already is handled before the events that were handed in.
        answers
            .into_iter()
            .rev()
            .for_each(|event| events.push_front(event));
        while let Some(event) = events.pop_front() {
            let effects = self.machine.handle(event, self.executor.clock.now());
            events.extend(self.act_all(effects));
        }
        self.publish();
        if !self.waiters.is_empty() {
            let snapshot = self.publisher.snapshot();
            self.waiters.settle(|name| snapshot.status(name));
        }
    }

    /// Publishes what is new. This comes before any caller is told that an order is done.
    pub(super) fn publish(&mut self) {
        let (machine, executor) = (&mut self.machine, &mut self.executor);
        let mut touched = machine.take_news();
        touched.append(&mut executor.listeners.take_news());
        let published = self
            .publisher
            .publish(touched, |name| facts(machine, executor, name));
        // systemd hears what is new, and, while something is under way, how long that may still take.
        let quiet = self.reloads.is_empty() && self.publisher.snapshot().is_fine();
        self.untold |= published || !quiet;
    }

    /// The part of the snapshot that only a new configuration changes.
    pub(super) fn whole(&self) -> Whole {
        whole(&self.planned, &self.executor)
    }

    fn act_all(&mut self, effects: Vec<Effect>) -> Vec<Event> {
        self.keep_listeners(&effects);
        let answers = effects.into_iter().filter_map(|effect| match effect {
            Effect::Changed(change) => {
                let spec = self.machine.spec(&change.instance.service);
                let again = spec.is_some_and(|spec| spec.schedule().is_some());
                let now = self.executor.clock.now();
                self.publisher.changed(&change, again, now);
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

    /// Opens and closes listeners, before the effects that may have changed which services are expected to
    /// run. A restart passes through the state *stopped*, which is no reason to close anything.
    fn keep_listeners(&mut self, effects: &[Effect]) {
        let changed = |effect: &Effect| matches!(effect, Effect::Changed(_));
        if !effects.iter().any(changed) {
            return;
        }
        let with_some = self.machine.specs().filter(|s| !s.listeners.is_empty());
        let expected: Vec<_> = with_some
            .filter(|spec| self.machine.expects(&spec.name))
            .collect();
        self.executor.listeners.keep(&expected);
    }

    /// Sends systemd what it wants to know, if it listens.
    pub(super) fn tell_manager(&mut self) {
        self.untold = false;
        if !self.manager.listens() {
            return;
        }
        let snapshot = self.publisher.snapshot();
        let view = View {
            services: snapshot.statuses(),
            patience: self.machine.patience(),
            now: self.executor.clock.now(),
        };
        if self.asked_to_end > 0 {
            return self.manager.tell(|notifier| notifier.stopping(view));
        }
        let reloading = !self.reloads.is_empty();
        self.reloads
            .retain(|goal| goal.state(|name| snapshot.status(name)) == GoalState::Pending);
        if reloading && self.reloads.is_empty() {
            let view = view.clone();
            self.manager.tell(|notifier| notifier.reloaded(None, view));
        }
        self.manager.tell(|notifier| notifier.news(view));
    }

    /// Handles a signal that asks for the end. Whoever sends it three times does not want to wait.
    pub(super) fn asked_to_end(&mut self) {
        self.asked_to_end += 1;
        self.publisher.ends();
        match self.asked_to_end {
            1 => tracing::info!(message_id = messages::GATEWAY_STOPPING.id, "stopping"),
            2 => tracing::warn!("still stopping; once more, and whatever is left is killed"),
            _ => self.executor.kill_everything(),
        }
        self.feed([Event::Request(Request::Shutdown)]);
    }
}

fn whole(planned: &Planned, executor: &Executor) -> Whole {
    Whole {
        profile: planned.profile.clone(),
        urls: planned.urls.clone(),
        limits: executor.groups.state(),
        cgroup: executor.groups.place(),
        compare: planned.compare.clone(),
    }
}
