//! How the simulated world answers each effect, sooner or later.

use std::time::Duration;

use supervise::{
    event::{Event, Exit, Instance, Phase, Verdict},
    spec::ServiceSpec,
};

use crate::{
    services,
    world::{Pending, World},
};

impl World {
    pub(crate) fn answer(&mut self, pending: Pending, works: bool) {
        let event = match pending {
            Pending::Launch(instance) if works || self.instances.contains_key(&instance) => {
                self.launch(&instance);
                Event::Launched(instance)
            }
            Pending::Launch(instance) => Event::LaunchFailed {
                instance,
                error: "no such file".into(),
            },
            Pending::Probe(instance, phase) => self.probed(instance, phase, works),
            Pending::Measure(instance) => self.measured(instance, works),
            Pending::PostStart(instance) => {
                let result = said(works, "exited with code 1");
                Event::PostStarted { instance, result }
            }
            Pending::CheckFiles(instance) => Event::FilesChecked {
                instance,
                result: said(works, "the check exited with code 1"),
            },
            Pending::Reload(instance) => Event::Reloaded {
                result: self.reload(&instance, works),
                instance,
            },
            Pending::Limit(instance) => Event::Limited {
                result: self.limit(&instance),
                instance,
            },
            Pending::Schedule(instance) => Event::Due {
                instance,
                at: self.now.after(Duration::from_secs(self.roll(100))),
            },
            Pending::End(instance) => return self.end(&instance, works),
            Pending::StopCommand(instance, step) => Event::StopStepDone { instance, step },
            Pending::Exit(instance, exit) => Event::Exited { instance, exit },
            Pending::Empty(instance) => {
                if let Some(processes) = self.instances.get_mut(&instance) {
                    processes.others = 0;
                }
                Event::Emptied(instance)
            }
        };
        self.tell(event);
    }

    /// A main process ends by itself: a task whose work is done, for example.
    fn end(&mut self, instance: &Instance, works: bool) {
        let exit = match (works, self.roll(2)) {
            (true, 0) => Exit::Clean,
            (true, _) => Exit::Code(3),
            (false, _) => Exit::Code(1),
        };
        let running = self.instances.get(instance);
        if running.is_some_and(|processes| processes.main) {
            self.die(instance, exit);
        }
    }

    fn measured(&mut self, instance: Instance, works: bool) -> Event {
        let usage = works.then(|| self.leak(&instance)).flatten();
        let minute = u16::try_from(self.roll(24 * 60)).expect("small");
        Event::Measured {
            instance,
            usage,
            minute,
        }
    }

    fn probed(&self, instance: Instance, phase: Phase, works: bool) -> Event {
        let spec = self.machine.spec(&instance.service);
        let external = spec.is_some_and(ServiceSpec::is_external);
        let alive = external
            || self
                .instances
                .get(&instance)
                .is_some_and(|processes| processes.main);
        let verdict = if works && alive {
            Verdict::Pass
        } else if alive && phase == Phase::Liveness {
            Verdict::Hung("no answer within 1s".into())
        } else {
            Verdict::Fail("connection refused".into())
        };
        Event::Probed {
            instance,
            phase,
            verdict,
        }
    }

    /// How a service answers a reload of its files.
    fn reload(&mut self, instance: &Instance, works: bool) -> Result<(), String> {
        let mark = self
            .machine
            .spec(&instance.service)
            .and_then(services::mark);
        match self.instances.get_mut(instance).filter(|_| works) {
            Some(running) => {
                running.files = mark;
                Ok(())
            }
            None => Err("it does not run".into()),
        }
    }

    /// How the kernel answers new limits.
    fn limit(&mut self, instance: &Instance) -> Result<(), String> {
        let spec = self.machine.spec(&instance.service);
        let Some((spec, running)) = spec.zip(self.instances.get_mut(instance)) else {
            return Ok(());
        };
        let max = spec.limits.memory_max;
        if max.is_some_and(|max| running.used.held > max) {
            return Err("it holds more".into());
        }
        running.limits = spec.limits.clone();
        Ok(())
    }
}

fn said(works: bool, otherwise: &str) -> Result<(), String> {
    if works { Ok(()) } else { Err(otherwise.into()) }
}
