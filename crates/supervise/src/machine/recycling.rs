//! Leaks: when memory is measured, what a measurement does to its unit, and which service may be restarted
//! by plan.
//!
//! A planned restart drains and stops the service like any other stop and then starts it. It costs no
//! restart credit, since nothing has failed. Two services of which one requires the other are never
//! restarted by plan at the same time. Where there is time to wait, only one service at all is.

use crate::{
    effect::{Effect, Reason},
    event::{Instance, Target, Time},
    machine::{
        Machine, Touched,
        unit::{After, HandlerContext, State, Unit, Up, Wanted},
    },
    recycle::{Chance, Leak, Terms, Usage, Watch, ceiling},
    spec::{ServiceName, StopStep},
};
use std::time::Duration;

impl Machine {
    /// Takes in a measurement, and restarts the service if it leaks and may be restarted now. If it may
    /// not, the next measurement decides again.
    pub(super) fn measured(
        &mut self,
        instance: &Instance,
        usage: Option<Usage>,
        minute: u16,
        now: Time,
        effects: &mut Vec<Effect>,
    ) -> Touched {
        let mut leak = None;
        let touched = self.with(instance, now, effects, |unit, cx| {
            leak = unit.on_measured(usage, minute, cx);
        });
        if let Some(leak) = leak
            && self.is_its_turn(&instance.service, leak.chance)
        {
            self.with(instance, now, effects, |unit, cx| unit.recycle(leak, cx));
        }
        touched
    }

    fn is_its_turn(&self, service: &ServiceName, chance: Chance) -> bool {
        let ready = |unit: &Unit| unit.is_ready() && unit.wanted == Wanted::Up;
        let can_come_back = self
            .graph
            .requirements(service)
            .all(|name| self.units.get(name).is_some_and(ready));
        let stays = self
            .units
            .get(service)
            .is_some_and(|unit| unit.wanted == Wanted::Up);
        let mut others = self.units.iter().filter(|(_, unit)| unit.recycling);
        let in_the_way = |other: &ServiceName| match chance {
            Chance::Idle | Chance::Hour => true,
            Chance::Last => self.requires(service, other) || self.requires(other, service),
        };
        stays && can_come_back && !others.any(|(other, _)| in_the_way(other))
    }

    /// Whether one service requires the other, directly or indirectly.
    fn requires(&self, service: &ServiceName, other: &ServiceName) -> bool {
        self.with_requirements(&Target::One(service.clone()))
            .contains(other)
    }
}

impl Unit {
    /// Whether its memory is measured at all.
    fn is_watched(&self) -> bool {
        self.spec.recycle.is_some() && ceiling(&self.spec.limits).is_some()
    }

    /// To be called when an instance becomes ready. Says when it is to be measured first.
    pub(super) fn begin_watch(&mut self, now: Time) -> Option<Time> {
        if !self.is_watched() {
            self.watch = None;
            return None;
        }
        match &mut self.watch {
            Some(watch) if self.recycling => watch.renew(now),
            Some(watch) => watch.begin(now),
            None => self.watch = Some(Box::new(Watch::new(now))),
        }
        self.next_measurement(now)
    }

    /// To be called when the service is watched by another policy than before. What was measured is
    /// dropped, because it was measured by the old policy.
    pub(super) fn watch_anew(&mut self, now: Time) {
        self.watch = None;
        let next = match &self.state {
            State::Up(_) => self.begin_watch(now),
            State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => None,
        };
        if let State::Up(up) = &mut self.state {
            up.next_measurement = next;
        }
    }

    /// All services with the same interval are measured at the same times, so that the process wakes up
    /// once for all of them.
    fn next_measurement(&self, now: Time) -> Option<Time> {
        let every = self.spec.recycle.as_ref()?.every.as_millis().max(1);
        let next = (now.0.as_millis() / every + 1) * every;
        u64::try_from(next)
            .ok()
            .map(|millis| Time(Duration::from_millis(millis)))
    }

    /// When an instance that is up has to be looked at next. If its liveness probe comes often enough, the
    /// memory is measured along with the probe.
    pub(super) fn alarm(&self, up: &Up) -> Option<Time> {
        let (liveness, policy) = (&self.spec.liveness, &self.spec.recycle);
        let along = liveness
            .as_ref()
            .zip(policy.as_ref())
            .is_some_and(|(liveness, policy)| liveness.every <= policy.every);
        match (up.next_probe, up.next_measurement) {
            (probe, _) if along => probe,
            (Some(probe), Some(measurement)) => Some(probe.min(measurement)),
            (probe, measurement) => probe.or(measurement),
        }
    }

    fn on_measured(
        &mut self,
        usage: Option<Usage>,
        minute: u16,
        cx: &HandlerContext<'_>,
    ) -> Option<Leak> {
        match &self.state {
            State::Up(_) => {}
            State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => return None,
        }
        let next = usage.and_then(|_| self.next_measurement(cx.now));
        if let State::Up(up) = &mut self.state {
            up.next_measurement = next;
        }
        let policy = self.spec.recycle.as_ref()?;
        let watch = self.watch.as_mut()?;
        watch.take(usage?, policy, cx.now);
        let terms = Terms {
            policy,
            ceiling: ceiling(&self.spec.limits)?,
            stop: self.spec.stop.iter().map(longest).sum(),
            minute,
        };
        watch.judge(&terms, cx.now)
    }

    fn recycle(&mut self, leak: Leak, cx: &mut HandlerContext<'_>) {
        if let (Some(watch), Some(policy)) = (&mut self.watch, &self.spec.recycle) {
            watch.recycled(policy, cx.now);
        }
        self.recycling = true;
        let reason = Reason::Leaks(leak);
        self.begin_stop(After::Recycle(reason.clone()), reason, cx);
    }

    /// To be called when no process is left of an instance that was ended for a planned restart.
    pub(super) fn come_back(&mut self, reason: Reason, cx: &mut HandlerContext<'_>) {
        if self.wanted != Wanted::Up {
            return self.enter(State::Stopped, reason, cx);
        }
        self.restarts += 1;
        self.enter(State::Waiting, reason, cx);
    }
}

const fn longest(step: &StopStep) -> Duration {
    match step {
        StopStep::Run { timeout, .. } | StopStep::Signal { timeout, .. } => *timeout,
    }
}
