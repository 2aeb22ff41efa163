//! How a unit goes down and what follows: the steps of its stop, the killing of the remaining processes,
//! and the decision of the restart policy.

use std::time::Duration;

use crate::{
    backoff,
    effect::{Effect, Reason},
    event::{Exit, Time},
    machine::unit::{After, HandlerContext, State, Unit, Wanted},
    spec::{RestartMode, StopStep},
};

/// How long a stop step may take for a service that hangs. It has nothing to finish, and if it reacts at
/// all it reacts at once.
const HUNG_PATIENCE: Duration = Duration::from_secs(10);

impl Unit {
    /// Begins to stop the unit. A service that never was ready has nothing to drain, so the commands before
    /// the first signal are skipped.
    pub(super) fn begin_stop(&mut self, after: After, reason: Reason, cx: &mut HandlerContext<'_>) {
        if self.spec.is_external() {
            return self.enter(State::Stopped, reason, cx);
        }
        // A task that is stopped for another instance has not run to its end, so it runs again.
        self.owed |= self.wanted == Wanted::Bounce && self.spec.task().is_some();
        let first = match &self.state {
            // A service that hangs cannot drain.
            State::Up(_) if !matches!(reason, Reason::Hung(_)) => 0,
            State::Up(_)
            | State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => self
                .spec
                .stop
                .iter()
                .position(|step| matches!(step, StopStep::Signal { .. }))
                .unwrap_or(self.spec.stop.len()),
        };
        self.earn_credit(cx.now);
        self.enter_stop_step(first, after, reason, cx);
    }

    pub(super) fn enter_stop_step(
        &mut self,
        step: usize,
        after: After,
        reason: Reason,
        cx: &mut HandlerContext<'_>,
    ) {
        let Some(StopStep::Run { timeout, .. } | StopStep::Signal { timeout, .. }) =
            self.spec.stop.get(step)
        else {
            return self.clear(None, after, reason, cx);
        };
        let patience = match &after {
            After::Recover(Reason::Hung(_)) => HUNG_PATIENCE.min(*timeout),
            After::Recover(_) | After::Stop | After::RecoverFromExit | After::Recycle(_) => {
                *timeout
            }
        };
        let deadline = cx.now.after(patience);
        self.enter(
            State::Stopping {
                step,
                deadline,
                after,
            },
            reason,
            cx,
        );
        cx.effects.push(Effect::StopStep {
            instance: self.instance(),
            step,
        });
    }

    /// Kills everything that is left of this instance, whether or not its main process still runs.
    pub(super) fn clear(
        &mut self,
        exit: Option<Exit>,
        after: After,
        reason: Reason,
        cx: &mut HandlerContext<'_>,
    ) {
        self.enter(
            State::Clearing {
                since: cx.now,
                exit,
                emptied: false,
                after,
            },
            reason,
            cx,
        );
        cx.effects.push(Effect::KillAll(self.instance()));
    }

    /// Leaves `Clearing` once the main process is reaped and nothing else is left.
    pub(super) fn finish_clearing(&mut self, cx: &mut HandlerContext<'_>) {
        let State::Clearing {
            exit: Some(exit),
            emptied: true,
            after,
            ..
        } = &self.state
        else {
            return;
        };
        let exit = *exit;
        match after.clone() {
            After::Stop => self.enter(State::Stopped, Reason::Stopped(exit), cx),
            After::Recover(reason) => self.recover(None, reason, cx),
            After::Recycle(reason) => self.come_back(reason, cx),
            After::RecoverFromExit => self.recover(Some(exit), Reason::Exited(exit), cx),
        }
    }

    /// Applies the restart policy: restart at once, after a while, or never. `exit` is given if the main
    /// process ended by itself.
    pub(super) fn recover(
        &mut self,
        exit: Option<Exit>,
        reason: Reason,
        cx: &mut HandlerContext<'_>,
    ) {
        if self.wanted != Wanted::Up {
            return self.enter(State::Stopped, reason, cx);
        }
        let clean = exit.is_some_and(|exit| self.is_success(exit));
        if clean
            && self.spec.task().is_some()
            && let Some(exit) = exit
        {
            return self.rest(true, Reason::Done(exit), cx);
        }
        match self.spec.restart.mode {
            RestartMode::Always => {}
            RestartMode::OnFailure | RestartMode::Never if clean => {
                self.wanted = Wanted::Down;
                return self.enter(State::Stopped, reason, cx);
            }
            RestartMode::OnFailure => {}
            RestartMode::Never => return self.give_up(reason, cx),
        }
        match backoff::next(&self.spec.restart, self.streak, cx.rng.dice()) {
            backoff::Next::GiveUp => self.give_up(reason, cx),
            backoff::Next::Restart(wait) => {
                self.streak += 1;
                self.restarts += 1;
                let next = if wait.is_zero() {
                    State::Waiting
                } else {
                    State::BackingOff {
                        until: cx.now.after(wait),
                    }
                };
                self.enter(next, reason, cx);
            }
        }
    }

    /// Whether an exit counts as a success.
    pub(super) fn is_success(&self, exit: Exit) -> bool {
        match exit {
            Exit::Clean => true,
            Exit::Code(code) => self.spec.success_exit.contains(&code),
            Exit::Signal(_) | Exit::OutOfMemory | Exit::Unknown => false,
        }
    }

    /// Gives the full restart credit back to an instance that stayed ready for long enough.
    pub(super) fn earn_credit(&mut self, now: Time) {
        if let State::Up(up) = &self.state
            && now.since(up.ready_at) >= self.spec.restart.stable
        {
            self.streak = 0;
        }
    }
}
