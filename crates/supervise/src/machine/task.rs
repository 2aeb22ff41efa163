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
//! A task without a schedule runs once, when it is first wanted. One with a schedule waits for its time,
//! which the runtime finds out ([`Effect::Schedule`]): it has the calendar. One that has failed for good
//! is tried again at its next time. Who starts a task by its name runs it now.

use crate::{
    effect::{Effect, Reason},
    event::Time,
    machine::unit::{Context, State, Unit, Wanted},
};

impl Unit {
    /// Waits for its next time, if it has one. `done`: the last run has ended well.
    pub(super) fn rest(&mut self, done: bool, reason: Reason, cx: &mut Context<'_>) {
        self.streak = 0;
        if done {
            self.milestones.ready = Some(cx.now);
        }
        self.enter(State::Resting { done }, reason, cx);
        self.ask_when(cx);
    }

    /// Its credit is spent.
    pub(super) fn give_up(&mut self, reason: Reason, cx: &mut Context<'_>) {
        self.enter(State::Failed, reason, cx);
        self.ask_when(cx);
    }

    /// Asks when its next time is. Until that is known there is none.
    pub(super) fn ask_when(&mut self, cx: &mut Context<'_>) {
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

    /// Runs, because of `reason`, if it is a task that does not.
    pub(super) fn run_now(&mut self, reason: Reason, cx: &mut Context<'_>) {
        match &self.state {
            State::Stopped | State::Resting { .. } | State::Failed if self.wanted == Wanted::Up => {
                self.streak = 0;
                self.enter(State::Waiting, reason, cx);
            }
            // It goes down, and runs once it has.
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
