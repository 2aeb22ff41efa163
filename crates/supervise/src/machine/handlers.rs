//! What each event does to the unit that it is about.

use crate::{
    effect::{Effect, Reason},
    event::{Exit, Phase, Time, Verdict},
    machine::unit::{After, HandlerContext, StartStep, State, Unit, Up},
    spec::{Liveness, ServiceKind, StopStep},
};

impl Unit {
    pub(super) fn on_launched(&mut self, cx: &mut HandlerContext<'_>) {
        match &mut self.state {
            State::Starting {
                step: StartStep::Launching,
                deadline,
            } if self.spec.task().is_some() => {
                let deadline = *deadline;
                let step = StartStep::Running;
                let running = State::Starting { step, deadline };
                self.enter(running, Reason::RequirementsReady, cx);
            }
            State::Starting {
                step: step @ StartStep::Launching,
                ..
            } => {
                if self.spec.startup.readiness.is_some() {
                    *step = StartStep::Probing;
                    let (instance, phase) = (self.instance(), Phase::Readiness);
                    cx.effects.push(Effect::Probe { instance, phase });
                } else {
                    self.post_start(cx);
                }
            }
            State::Starting {
                step:
                    StartStep::Probing
                    | StartStep::Pausing { .. }
                    | StartStep::PostStarting
                    | StartStep::Running,
                ..
            }
            | State::Stopped
            | State::Waiting
            | State::Up(_)
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => {}
        }
    }

    pub(super) fn on_launch_failed(&mut self, error: String, cx: &mut HandlerContext<'_>) {
        match &self.state {
            State::Starting {
                step: StartStep::Launching,
                ..
            } => {
                self.recover(None, Reason::LaunchFailed(error), cx);
            }
            State::Starting {
                step:
                    StartStep::Probing
                    | StartStep::Pausing { .. }
                    | StartStep::PostStarting
                    | StartStep::Running,
                ..
            }
            | State::Stopped
            | State::Waiting
            | State::Up(_)
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => {}
        }
    }

    pub(super) fn on_exited(&mut self, exit: Exit, cx: &mut HandlerContext<'_>) {
        if let (Exit::OutOfMemory, Some(watch)) = (exit, &mut self.watch) {
            watch.killed();
        }
        match &mut self.state {
            State::Starting { .. } | State::Up(_) => {
                self.earn_credit(cx.now);
                let done = self.spec.task().is_some() && self.is_success(exit);
                let reason = if done {
                    Reason::Done(exit)
                } else {
                    Reason::Exited(exit)
                };
                self.clear(Some(exit), After::RecoverFromExit, reason, cx);
            }
            State::Stopping { after, .. } => {
                let after = after.clone();
                self.clear(Some(exit), after, Reason::Stopped(exit), cx);
            }
            State::Clearing { exit: first, .. } => {
                first.get_or_insert(exit);
                self.finish_clearing(cx);
            }
            // In these states the newest instance has no process.
            State::Stopped
            | State::Waiting
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => {}
        }
    }

    pub(super) fn on_emptied(&mut self, cx: &mut HandlerContext<'_>) {
        match &mut self.state {
            State::Clearing { emptied, .. } => {
                *emptied = true;
                self.finish_clearing(cx);
            }
            State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::Stopping { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => {}
        }
    }

    pub(super) fn on_probed(
        &mut self,
        phase: Phase,
        verdict: Verdict,
        cx: &mut HandlerContext<'_>,
    ) {
        match phase {
            Phase::Readiness => self.on_readiness(&verdict, cx),
            Phase::Liveness => self.on_liveness(verdict, cx),
        }
    }

    fn on_readiness(&mut self, verdict: &Verdict, cx: &mut HandlerContext<'_>) {
        match (&mut self.state, verdict) {
            (
                State::Starting {
                    step: StartStep::Probing | StartStep::Pausing { .. },
                    ..
                },
                Verdict::Pass,
            ) => {
                self.milestones.answered = Some(cx.now);
                self.post_start(cx);
            }
            (
                State::Starting {
                    step: step @ StartStep::Probing,
                    ..
                },
                Verdict::Fail(_) | Verdict::Hung(_),
            ) => {
                *step = StartStep::Pausing {
                    until: cx.now.after(self.spec.startup.every),
                };
            }
            (
                State::Starting {
                    step: StartStep::Launching | StartStep::PostStarting | StartStep::Running,
                    ..
                }
                | State::Stopped
                | State::Waiting
                | State::Up(_)
                | State::Stopping { .. }
                | State::Clearing { .. }
                | State::BackingOff { .. }
                | State::Resting { .. }
                | State::Failed,
                Verdict::Pass | Verdict::Fail(_) | Verdict::Hung(_),
            )
            | (
                State::Starting {
                    step: StartStep::Pausing { .. },
                    ..
                },
                Verdict::Fail(_) | Verdict::Hung(_),
            ) => {}
        }
    }

    fn on_liveness(&mut self, verdict: Verdict, cx: &mut HandlerContext<'_>) {
        let Some(liveness) = self.spec.liveness.clone() else {
            return;
        };
        match &mut self.state {
            State::Up(up) => {
                up.next_probe = Some(cx.now.after(liveness.every));
                match verdict {
                    Verdict::Pass => {
                        // For an external service this may be the first probe that passes.
                        self.milestones.ready.get_or_insert(cx.now);
                        let healed = Up {
                            healthy: true,
                            failures: 0,
                            hung: 0,
                            ..up.clone()
                        };
                        self.enter(State::Up(healed), Reason::ProbePassed, cx);
                    }
                    Verdict::Fail(why) => self.fails(&liveness, Reason::ProbeFailed(why), 0, cx),
                    Verdict::Hung(why) => {
                        let hung = up.hung.saturating_add(1);
                        self.fails(&liveness, Reason::Hung(why), hung, cx);
                    }
                }
            }
            State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => {}
        }
    }

    /// A liveness probe has failed. `hung` is how many failures in a row showed that the service hangs.
    fn fails(
        &mut self,
        liveness: &Liveness,
        reason: Reason,
        hung: u32,
        cx: &mut HandlerContext<'_>,
    ) {
        let State::Up(up) = &self.state else {
            return;
        };
        let failures = up.failures.saturating_add(1);
        let ill = Up {
            healthy: up.healthy && failures < liveness.failures,
            failures,
            hung,
            ..up.clone()
        };
        self.enter(State::Up(ill), reason.clone(), cx);
        if self.spec.is_external() {
            return;
        }
        let over = |count: u32, limit: Option<u32>| limit.is_some_and(|limit| count >= limit);
        if over(hung, liveness.hung_after) || over(failures, liveness.restart_after) {
            self.begin_stop(After::Recover(reason.clone()), reason, cx);
        }
    }

    /// The readiness probe has passed, or the service has none.
    fn post_start(&mut self, cx: &mut HandlerContext<'_>) {
        if self.spec.startup.post_start.is_none() {
            return self.become_ready(cx);
        }
        if let State::Starting { step, .. } = &mut self.state {
            *step = StartStep::PostStarting;
            cx.effects.push(Effect::PostStart(self.instance()));
        }
    }

    fn become_ready(&mut self, cx: &mut HandlerContext<'_>) {
        let up = self.up(true, cx);
        let reason = match self.spec.startup.readiness {
            Some(_) => Reason::ProbePassed,
            None => Reason::Launched,
        };
        self.enter(up, reason, cx);
    }

    /// The state of a service that becomes ready now.
    fn up(&mut self, healthy: bool, cx: &HandlerContext<'_>) -> State {
        if healthy {
            self.milestones.ready = Some(cx.now);
        }
        State::Up(Up {
            healthy,
            ready_at: cx.now,
            next_probe: self.spec.liveness.as_ref().map(|l| cx.now.after(l.every)),
            next_measurement: self.begin_watch(cx.now),
            failures: 0,
            hung: 0,
        })
    }

    pub(super) fn on_post_started(
        &mut self,
        result: Result<(), String>,
        cx: &mut HandlerContext<'_>,
    ) {
        match &self.state {
            State::Starting {
                step: StartStep::PostStarting,
                ..
            } => match result {
                Ok(()) => self.become_ready(cx),
                Err(why) => {
                    let reason = Reason::PostStartFailed(why);
                    self.begin_stop(After::Recover(reason.clone()), reason, cx);
                }
            },
            State::Starting {
                step:
                    StartStep::Launching
                    | StartStep::Probing
                    | StartStep::Pausing { .. }
                    | StartStep::Running,
                ..
            }
            | State::Stopped
            | State::Waiting
            | State::Up(_)
            | State::Stopping { .. }
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => {}
        }
    }

    /// Whether this step of the stop is a command. Only a command can be done; a signal has no answer.
    fn drains(&self, step: usize) -> bool {
        matches!(self.spec.stop.get(step), Some(StopStep::Run { .. }))
    }

    pub(super) fn on_stop_step_done(&mut self, done: usize, cx: &mut HandlerContext<'_>) {
        match &self.state {
            State::Stopping { step, after, .. } if *step == done && self.drains(done) => {
                let (after, reason) = (after.clone(), self.reason.clone());
                self.enter_stop_step(done + 1, after, reason, cx);
            }
            State::Stopping { .. }
            | State::Stopped
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::Clearing { .. }
            | State::BackingOff { .. }
            | State::Resting { .. }
            | State::Failed => {}
        }
    }

    /// To be called when the time of [`Unit::deadline`] has come.
    pub(super) fn on_deadline(&mut self, cx: &mut HandlerContext<'_>) {
        match &mut self.state {
            State::Starting { deadline, .. } if *deadline <= cx.now => self.start_is_late(cx),
            State::Starting { step, .. } => {
                *step = StartStep::Probing;
                let (instance, phase) = (self.instance(), Phase::Readiness);
                cx.effects.push(Effect::Probe { instance, phase });
            }
            State::Up(up) => {
                let came = |time: &mut Option<Time>| time.take_if(|time| *time <= cx.now).is_some();
                let (measurement, probe) =
                    (came(&mut up.next_measurement), came(&mut up.next_probe));
                if measurement {
                    cx.effects.push(Effect::Measure(self.instance()));
                }
                if probe {
                    let (instance, phase) = (self.instance(), Phase::Liveness);
                    cx.effects.push(Effect::Probe { instance, phase });
                }
            }
            State::Stopping { step, after, .. } => {
                let (next, after, reason) = (*step + 1, after.clone(), self.reason.clone());
                self.enter_stop_step(next, after, reason, cx);
            }
            State::BackingOff { .. } => {
                let reason = self.reason.clone();
                self.enter(State::Waiting, reason, cx);
            }
            State::Resting { .. } | State::Failed => self.run_now(Reason::Due, cx),
            State::Stopped | State::Waiting | State::Clearing { .. } => {}
        }
    }

    /// The unit is not ready, or has not ended, in time. An external service may still come, so its probe
    /// goes on.
    fn start_is_late(&mut self, cx: &mut HandlerContext<'_>) {
        let reason = match &self.spec.kind {
            ServiceKind::Task(_) => Reason::TookTooLong,
            ServiceKind::Daemon => Reason::StartTimedOut,
            ServiceKind::External => {
                let absent = self.up(false, cx);
                return self.enter(absent, Reason::StartTimedOut, cx);
            }
        };
        self.begin_stop(After::Recover(reason.clone()), reason, cx);
    }
}
