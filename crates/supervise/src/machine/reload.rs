//! Files and limits that change under a service that runs.
//!
//! ```text
//!        files have changed, a request          FilesChecked: right           Reloaded
//!  no ─────────────────────────────▶ checking ───────────────────▶ applying ─────────▶ no
//!   ▲                                 │                               │
//!   └─────────────────────────────────┘ wrong: outdated               │ failed: outdated
//!   └─────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Files that change once more meanwhile are remembered, and it begins again. A service stays what it was:
//! ready, or unhealthy. One that refuses its files goes on with those that it has read, and is outdated
//! until it takes new ones or is launched again.

use crate::{
    effect::{Effect, News, Reason},
    machine::{
        reloading::Reloading,
        unit::{Context, State, Unit, Up, Wanted},
    },
    recycle::ceiling,
    spec::{Liveness, ServiceSpec},
};

impl Unit {
    /// Has it read its files again.
    pub(super) fn begin_reload(&mut self, cx: &mut Context<'_>) {
        self.reload = match self.reload {
            Reloading::No => {
                let Some(reload) = &self.spec.reload else {
                    return;
                };
                let checked = reload.check.is_none();
                let instance = self.instance();
                if checked {
                    cx.effects.push(Effect::Reload(instance));
                    Reloading::Applying { again: false }
                } else {
                    cx.effects.push(Effect::CheckFiles(instance));
                    Reloading::Checking { again: false }
                }
            }
            Reloading::Checking { .. } => Reloading::Checking { again: true },
            Reloading::Applying { .. } => Reloading::Applying { again: true },
        };
    }

    /// Asks again for what was under way and may have been lost.
    pub(super) fn reload_again(&mut self, cx: &mut Context<'_>) {
        if self.reload != Reloading::No {
            self.reload = Reloading::No;
            self.begin_reload(cx);
        }
    }

    pub(super) fn on_files_checked(&mut self, result: Result<(), String>, cx: &mut Context<'_>) {
        match (self.reload, result) {
            // What was checked are neither the old files nor the new ones.
            (Reloading::Checking { again: true }, _) => self.reload_again(cx),
            (Reloading::Checking { again: false }, Ok(())) => {
                self.reload = Reloading::Applying { again: false };
                cx.effects.push(Effect::Reload(self.instance()));
            }
            (Reloading::Checking { again: false }, Err(why)) => self.read(Err(why), cx),
            (Reloading::No | Reloading::Applying { .. }, _) => {}
        }
    }

    pub(super) fn on_reloaded(&mut self, result: Result<(), String>, cx: &mut Context<'_>) {
        match self.reload {
            Reloading::Applying { again: true } => self.reload_again(cx),
            Reloading::Applying { again: false } => self.read(result, cx),
            Reloading::No | Reloading::Checking { .. } => {}
        }
    }

    /// It has read its files, or refused them.
    fn read(&mut self, result: Result<(), String>, cx: &mut Context<'_>) {
        self.reload = Reloading::No;
        self.outdated = result.err();
        let news = self.outdated.clone().map_or(News::Reloaded, News::Outdated);
        cx.effects.push(Effect::Told(self.instance(), news));
    }

    /// An instance that holds more than its new limits allow gives way to one that begins below them:
    /// the kernel would kill it.
    pub(super) fn on_limited(&mut self, result: Result<(), String>, cx: &mut Context<'_>) {
        if let Err(why) = result
            && self.wanted == Wanted::Up
            && self.may_have_process()
        {
            self.wanted = Wanted::Bounce;
            cx.effects
                .push(Effect::Told(self.instance(), News::OverLimit(why)));
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
        if self.spec.reload.is_none() {
            self.reload = Reloading::No;
        }
    }

    /// It is judged by other rules from now on: what was seen before says nothing. Until the next answer
    /// it is what it was.
    fn probe_anew(&mut self, old: Option<&Liveness>, cx: &mut Context<'_>) {
        let State::Up(up) = &self.state else {
            return;
        };
        let every = self.spec.liveness.as_ref().map(|new| new.every);
        let due = every.map(|every| {
            if up.healthy {
                cx.now.after(every)
            } else {
                cx.now
            }
        });
        let next_probe = match old {
            // The answer to one that is under way says when the next is due.
            Some(_) => up
                .next_probe
                .zip(due)
                .map(|(planned, due)| planned.min(due)),
            None => due,
        };
        let judged_anew = Up {
            // Nobody asks any more.
            healthy: up.healthy || every.is_none(),
            next_probe,
            failures: 0,
            hung: 0,
            ..up.clone()
        };
        self.enter(State::Up(judged_anew), Reason::Requested, cx);
    }
}
