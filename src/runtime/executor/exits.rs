//! Processes that have ended: services and their commands by pidfd, orphans by SIGCHLD.

use nix::libc::pid_t;
use supervise::{
    event::{Event, Exit, Phase, Verdict},
    machine::Machine,
};
use sys::{pidfd, readiness, subreaper};
use tokio::time::{Duration, timeout};

use super::{
    Executor,
    effects::no_answer,
    instances::{Child, Role},
};
use crate::disk;

/// How often it looks again: a process may have started another one just before it was killed.
const SWEEPS: usize = 5;

/// How long the end of a process may take after SIGKILL. Only a process that hangs in the kernel takes
/// longer.
const GONE: Duration = Duration::from_secs(5);

impl Executor {
    /// After SIGCHLD: some child has ended, known or unknown. Several signals may arrive as one, so all
    /// children that have ended are reaped.
    pub(in crate::runtime) fn reap(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match subreaper::peek() {
                Ok(Some(ended)) if self.instances.child(ended.pid).is_some() => {
                    events.extend(self.ended(ended.pid));
                    // The same child is never taken twice, because that would be an endless loop.
                    if self.instances.child(ended.pid).is_some() {
                        tracing::warn!("process {} has ended and cannot be reaped", ended.pid);
                        break;
                    }
                }
                Ok(Some(orphan)) => {
                    if let Err(error) = subreaper::reap(orphan.pid) {
                        tracing::warn!(%error, "cannot reap an orphan");
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "cannot look for children that have ended");
                    break;
                }
            }
        }
        events.extend(self.look_at_clearing());
        events
    }

    /// Reaps a child that has ended. If its number belongs to a new child meanwhile, that one still runs
    /// and nothing happens.
    pub(super) fn ended(&mut self, pid: pid_t) -> Option<Event> {
        let (child, exit) = self.instances.reap(pid)?;
        self.meaning(child, exit)
    }

    fn meaning(&self, child: Child, exit: pidfd::ProcessEnd) -> Option<Event> {
        let Child { instance, role, .. } = child;
        if exit != pidfd::ProcessEnd::Code(0) && role == Role::Main {
            for lack in disk::full(&self.paths) {
                tracing::warn!("{} ended, and {lack}", instance.service);
            }
        }
        let exit = match (self.instances.get(&instance), exit) {
            (Some(running), exit) => running.exit(exit),
            (None, pidfd::ProcessEnd::Code(0)) => Exit::Clean,
            (None, pidfd::ProcessEnd::Code(code)) => Exit::Code(code),
            (None, pidfd::ProcessEnd::Signal { signal, .. }) => Exit::Signal(signal),
        };
        let failure = || format!("the command {exit}");
        Some(match role {
            Role::Main => Event::Exited { instance, exit },
            Role::Probe(phase) => Event::Probed {
                instance,
                phase,
                verdict: match exit {
                    Exit::Clean => Verdict::Pass,
                    _ => Verdict::Fail(failure()),
                },
            },
            Role::PostStart => Event::PostStarted {
                instance,
                result: match exit {
                    Exit::Clean => Ok(()),
                    _ => Err(failure()),
                },
            },
            Role::CheckFiles => Event::FilesChecked {
                instance,
                result: match exit {
                    Exit::Clean => Ok(()),
                    _ => Err(format!("the check of them {exit}")),
                },
            },
            Role::Reload => Event::Reloaded {
                instance,
                result: match exit {
                    Exit::Clean => Ok(()),
                    _ => Err(failure()),
                },
            },
            Role::StopStep(step) => Event::StopStepDone { instance, step },
            Role::Late => return None,
        })
    }

    /// A command takes too long.
    pub(super) fn late(&mut self, pid: pid_t, specs: &Machine) -> Option<Event> {
        let (instance, role) = self.instances.give_up(pid)?;
        let spec = specs.spec(&instance.service)?;
        match role {
            Role::Probe(phase) => {
                let limit = match phase {
                    Phase::Readiness => Some(spec.startup.timeout),
                    Phase::Liveness => spec.liveness.as_ref().map(|liveness| liveness.timeout),
                };
                let verdict = Verdict::Fail(no_answer(limit.unwrap_or_default()));
                Some(Event::Probed {
                    instance,
                    phase,
                    verdict,
                })
            }
            Role::CheckFiles | Role::Reload => {
                let limit = spec.reload.as_ref().map(|reload| reload.timeout);
                let result = Err(no_answer(limit.unwrap_or_default()));
                Some(match role {
                    Role::CheckFiles => Event::FilesChecked { instance, result },
                    _ => Event::Reloaded { instance, result },
                })
            }
            // These commands have no limit of their own.
            Role::Main | Role::PostStart | Role::StopStep(_) | Role::Late => None,
        }
    }

    /// Without cgroups nobody reports that an instance is empty, so this is checked whenever a process
    /// ends.
    pub(super) fn look_at_clearing(&mut self) -> Vec<Event> {
        let clearing = self.instances.clearing().into_iter();
        clearing
            .filter_map(|instance| self.emptied(&instance))
            .collect()
    }

    /// To be called when every service is down: kills the processes that have left their service, and waits
    /// until they have ended.
    pub(super) async fn sweep(&mut self) {
        for _ in 0..SWEEPS {
            let strays = self.instances.strays();
            if strays.is_empty() {
                break;
            }
            let gone = async {
                for stray in strays {
                    // It may have ended by itself.
                    let _gone = stray.send_signal(nix::libc::SIGKILL);
                    let _ended = readiness::readable(stray.into()).await;
                }
            };
            if timeout(GONE, gone).await.is_err() {
                tracing::warn!("a process that left its service does not end");
                break;
            }
        }
    }

    /// Kills everything, because somebody does not want to wait any longer.
    pub(in crate::runtime) fn kill_everything(&self) {
        tracing::warn!("killing what is left");
        for running in self.instances.all() {
            self.instances.kill(running);
        }
    }
}
