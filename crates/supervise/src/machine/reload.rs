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
//! If the files change again meanwhile, the machine remembers that and begins again. The state of the
//! service does not change: it stays ready, or unhealthy. A service that refuses its new files goes on with
//! those that it has read, and counts as outdated until it takes new files or is launched again.

use crate::{
    effect::{Effect, News, Reason},
    machine::{
        reloading::Reloading,
        unit::{HandlerContext, State, Unit, Up, Wanted},
    },
    recycle::ceiling,
    spec::{Liveness, ServiceSpec},
};

impl Unit {
    /// Makes the service read its files again.
    pub(super) fn begin_reload(&mut self, cx: &mut HandlerContext<'_>) {
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

    /// Returns the effects that were under way and may have been lost.
    pub(super) fn reload_again(&mut self, cx: &mut HandlerContext<'_>) {
        if self.reload != Reloading::No {
            self.reload = Reloading::No;
            self.begin_reload(cx);
        }
    }

    pub(super) fn on_files_checked(
        &mut self,
        result: Result<(), String>,
        cx: &mut HandlerContext<'_>,
    ) {
        match (self.reload, result) {
            // The files changed during the check, so its result says nothing about the new files.
            (Reloading::Checking { again: true }, _) => self.reload_again(cx),
            (Reloading::Checking { again: false }, Ok(())) => {
                self.reload = Reloading::Applying { again: false };
                cx.effects.push(Effect::Reload(self.instance()));
            }
            (Reloading::Checking { again: false }, Err(why)) => self.read(Err(why), cx),
            (Reloading::No | Reloading::Applying { .. }, _) => {}
        }
    }

    pub(super) fn on_reloaded(&mut self, result: Result<(), String>, cx: &mut HandlerContext<'_>) {
        match self.reload {
            Reloading::Applying { again: true } => self.reload_again(cx),
            Reloading::Applying { again: false } => self.read(result, cx),
            Reloading::No | Reloading::Checking { .. } => {}
        }
    }

    /// The service has read its files, or has refused them.
    fn read(&mut self, result: Result<(), String>, cx: &mut HandlerContext<'_>) {
        self.reload = Reloading::No;
        self.outdated = result.err();
        let news = self.outdated.clone().map_or(News::Reloaded, News::Outdated);
        cx.effects.push(Effect::Told(self.instance(), news));
    }

    /// Restarts an instance that uses more memory than its new limits allow. If it went on, the kernel
    /// would kill it as soon as the limits are set.
    pub(super) fn on_limited(&mut self, result: Result<(), String>, cx: &mut HandlerContext<'_>) {
        if let Err(why) = result
            && self.wanted == Wanted::Up
            && self.may_have_process()
        {
            self.wanted = Wanted::Bounce;
            cx.effects
                .push(Effect::Told(self.instance(), News::OverLimit(why)));
        }
    }

    /// Takes a specification that the running process can have without a restart.
    pub(super) fn adjust(&mut self, spec: ServiceSpec, cx: &mut HandlerContext<'_>) {
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

    /// The liveness probe has changed, so the failures that were counted before say nothing. The state
    /// stays as it is until the next answer comes.
    fn probe_anew(&mut self, old: Option<&Liveness>, cx: &mut HandlerContext<'_>) {
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
            // A probe is under way, and its answer will set the time of the next one.
            Some(_) => up
                .next_probe
                .zip(due)
                .map(|(planned, due)| planned.min(due)),
            None => due,
        };
        let judged_anew = Up {
            // Without a liveness probe nothing can show that it is unhealthy.
            healthy: up.healthy || every.is_none(),
            next_probe,
            failures: 0,
            hung: 0,
            ..up.clone()
        };
        self.enter(State::Up(judged_anew), Reason::Requested, cx);
    }
}
