//! Tasks: what is special about services that run to their end.
//!
//! ```text
//!               request, or its time has come             exit that is a success
//!  scheduled ───────────────────────────────▶ waiting ─▶ starting ─▶ running ─▶ completed
//!      ▲                                         ▲                      │           │
//!      │ wanted, and it has a schedule           │ restart policy       │ failure   │ its time has come
//!   stopped                                      └───────────────────── ┴ ─▶ failed ┴──▶ waiting
//! ```
//!
//! A task without a schedule runs once, when it is first asked to run. A task with a schedule waits for its
//! time. The runtime finds that time out ([`Effect::Schedule`]), because it has the calendar. A task that
//! has failed for good is tried again at its next time. A task that somebody starts by its name runs at
//! once.

use crate::{
    effect::{Effect, Reason},
    event::Time,
    machine::unit::{HandlerContext, State, Unit, Wanted},
};

impl Unit {
    /// Makes the task wait for its next time, if it has a schedule. `done` says whether the last run has
    /// ended well.
    pub(super) fn rest(&mut self, done: bool, reason: Reason, cx: &mut HandlerContext<'_>) {
        self.streak = 0;
        if done {
            self.milestones.ready = Some(cx.now);
        }
        self.enter(State::Resting { done }, reason, cx);
        self.ask_when(cx);
    }

    /// The task has failed for good: its restart credit is used up.
    pub(super) fn give_up(&mut self, reason: Reason, cx: &mut HandlerContext<'_>) {
        self.enter(State::Failed, reason, cx);
        self.ask_when(cx);
    }

    /// Asks the runtime for the next time. Until the answer comes, no time is set.
    pub(super) fn ask_when(&mut self, cx: &mut HandlerContext<'_>) {
        self.due = None;
        if self.spec.schedule().is_some() {
            cx.effects.push(Effect::Schedule(self.instance()));
        }
    }

    pub(super) fn on_due(&mut self, at: Time) {
        match &self.state {
            State::Resting { .. } | State::Failed if self.spec.schedule().is_some() => {
                self.due = Some(at);
            }
            State::Resting { .. }
            | State::Failed
            | State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. } => {}
        }
    }

    /// Makes a task run, for `reason`, unless it runs already.
    pub(super) fn run_now(&mut self, reason: Reason, cx: &mut HandlerContext<'_>) {
        match &self.state {
            State::Stopped | State::Resting { .. } | State::Failed if self.wanted == Wanted::Up => {
                self.streak = 0;
                self.enter(State::Waiting, reason, cx);
            }
            // It is stopping, and will run as soon as it is down.
            State::Stopping { .. } | State::Clearing { .. } => self.owed = true,
            State::Stopped
            | State::Resting { .. }
            | State::Failed
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::BackingOff { .. } => {}
        }
    }
}
