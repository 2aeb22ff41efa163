//! Files and limits that change under a service that runs.
//!
//! ```text
//!        files have changed, a request        files have changed again
//!  no ─────────────────────────────▶ under way ────────────────────────▶ under way, and once more
//!   ▲                                 │    ▲                                  │
//!   └─────────────────────────────────┘    └──────────────────────────────────┘
//!              Reloaded                                 Reloaded
//! ```
//!
//! A service stays what it was meanwhile: ready, or unhealthy. One that refuses its files goes on with
//! those that it has read, and is outdated until it takes new ones or is launched again.

use serde::{Deserialize, Serialize};

use crate::{
    effect::{Effect, Reason},
    machine::unit::{Context, State, Unit, Up, Wanted},
    recycle::ceiling,
    spec::{Liveness, ServiceSpec},
};

/// Whether a service is reading its files again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reloading {
    No,
    Under,
    /// Its files have changed since it began.
    Again,
}

impl Unit {
    /// Has it read its files again.
    pub(super) fn begin_reload(&mut self, cx: &mut Context<'_>) {
        self.reload = match self.reload {
            Reloading::No => {
                cx.effects.push(Effect::Reload(self.instance()));
                Reloading::Under
            }
            Reloading::Under | Reloading::Again => Reloading::Again,
        };
    }

    pub(super) fn on_reloaded(&mut self, result: Result<(), String>, cx: &mut Context<'_>) {
        match self.reload {
            // What it has read since may be neither the old files nor the new ones.
            Reloading::Again => {
                self.reload = Reloading::No;
                self.begin_reload(cx);
            }
            Reloading::Under => {
                self.reload = Reloading::No;
                self.outdated = result.err();
            }
            Reloading::No => {}
        }
    }

    /// An instance that holds more than its new limits allow gives way to one that begins below them:
    /// the kernel would kill it.
    pub(super) fn on_limited(&mut self, result: &Result<(), String>) {
        if result.is_err() && self.wanted == Wanted::Up && self.may_have_process() {
            self.wanted = Wanted::Bounce;
        }
    }

    /// Takes a specification that asks for no other process than the one that runs.
    pub(super) fn adjust(&mut self, spec: ServiceSpec, cx: &mut Context<'_>) {
        let old = std::mem::replace(&mut self.spec, spec);
        if old.recycle != self.spec.recycle || ceiling(&old.limits) != ceiling(&self.spec.limits) {
            self.watch_anew(cx.now);
        }
        if old.limits != self.spec.limits {
            cx.effects.push(Effect::Limit(self.instance()));
        }
        if old.liveness != self.spec.liveness {
            self.probe_anew(old.liveness.as_ref(), cx);
        }
    }

    fn probe_anew(&mut self, old: Option<&Liveness>, cx: &mut Context<'_>) {
        let State::Up(up) = &self.state else {
            return;
        };
        let due = self
            .spec
            .liveness
            .as_ref()
            .map(|new| cx.now.after(new.every));
        let next_probe = match old {
            // The answer to one that is under way says when the next is due.
            Some(_) => up
                .next_probe
                .zip(due)
                .map(|(planned, due)| planned.min(due)),
            None => due,
        };
        // By other rules it may be neither.
        let judged_anew = Up {
            healthy: true,
            next_probe,
            failures: 0,
            hung: 0,
            ..up.clone()
        };
        self.enter(State::Up(judged_anew), Reason::Requested, cx);
    }
}
