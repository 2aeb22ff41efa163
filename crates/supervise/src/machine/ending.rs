//! How a unit goes down, and what follows: the steps of its stop, the killing of what is left, and what the
//! restart policy says then.

use std::time::Duration;

use crate::{
    backoff,
    effect::{Effect, Reason},
    event::{Exit, Time},
    machine::unit::{After, Context, State, Unit, Wanted},
    spec::{RestartMode, StopStep},
};

/// What hangs has nothing to end in order, and if it has, then at once.
const HUNG_PATIENCE: Duration = Duration::from_secs(10);

impl Unit {
    /// Begins to go down. One that never was ready has nothing to drain.
    pub(super) fn begin_stop(&mut self, after: After, reason: Reason, cx: &mut Context<'_>) {
        if self.spec.is_external() {
            return self.enter(State::Stopped, reason, cx);
        }
        // What was cut short for another instance is not done.
        self.owed |= self.wanted == Wanted::Bounce && self.spec.task().is_some();
        let first = match &self.state {
            // What hangs does not drain either.
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
        cx: &mut Context<'_>,
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

    /// Sees to it that nothing is left of this instance, whether or not its main process still runs.
    pub(super) fn clear(
        &mut self,
        exit: Option<Exit>,
        after: After,
        reason: Reason,
        cx: &mut Context<'_>,
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
    pub(super) fn finish_clearing(&mut self, cx: &mut Context<'_>) {
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

    /// The restart policy: at once, after a while, or never again. `exit`: it ended by itself.
    pub(super) fn recover(&mut self, exit: Option<Exit>, reason: Reason, cx: &mut Context<'_>) {
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

    /// Whether an exit is no failure.
    pub(super) fn is_success(&self, exit: Exit) -> bool {
        match exit {
            Exit::Clean => true,
            Exit::Code(code) => self.spec.success_exit.contains(&code),
            Exit::Signal(_) | Exit::OutOfMemory | Exit::Unknown => false,
        }
    }

    /// An instance that stayed ready for long enough pays for the restarts before it.
    pub(super) fn earn_credit(&mut self, now: Time) {
        if let State::Up(up) = &self.state
            && now.since(up.ready_at) >= self.spec.restart.stable
        {
            self.streak = 0;
        }
    }
}
