//! What effects do: processes begin, run and end.

use supervise::{
    effect::Effect,
    event::{Exit, Instance},
    recycle::Usage,
    spec::StopStep,
};

use super::{Pending, Processes, World};
use crate::{
    dice::roll,
    invariants,
    services::{self, LIMIT},
};

impl World {
    /// Starts a process of this instance, unless one runs already.
    pub(crate) fn launch(&mut self, instance: &Instance) {
        let held = roll(&mut self.dice, LIMIT / 4);
        let Some(spec) = self.machine.spec(&instance.service) else {
            return;
        };
        let used = Usage {
            held,
            ..Usage::default()
        };
        let processes = Processes {
            main: true,
            used,
            requires: spec.requires.clone(),
            files: services::mark(spec),
            limits: spec.limits.clone(),
            ..Processes::default()
        };
        let ends = spec.task().is_some();
        if !self.instances.contains_key(instance) {
            self.instances.insert(instance.clone(), processes);
            if ends {
                self.pending.push(Pending::End(instance.clone()));
            }
        }
    }

    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Launch(instance) => {
                invariants::on_launch(self, &instance);
                self.pending.push(Pending::Launch(instance));
            }
            Effect::Probe { instance, phase } => self.pending.push(Pending::Probe(instance, phase)),
            Effect::Measure(instance) => self.pending.push(Pending::Measure(instance)),
            Effect::PostStart(instance) => self.pending.push(Pending::PostStart(instance)),
            Effect::CheckFiles(instance) => self.pending.push(Pending::CheckFiles(instance)),
            Effect::Told(..) => {}
            Effect::Reload(instance) => self.pending.push(Pending::Reload(instance)),
            Effect::Limit(instance) => self.pending.push(Pending::Limit(instance)),
            Effect::Schedule(instance) => self.pending.push(Pending::Schedule(instance)),
            Effect::StopStep { instance, step } => self.stop_step(instance, step),
            Effect::KillAll(instance) => self.kill_all(&instance),
            Effect::Changed(change) => {
                invariants::on_change(self, &change);
                self.went_on_in.remove(&change.instance.service);
                self.changes.push(change);
            }
            Effect::ShutdownComplete => self.shutdown_complete += 1,
        }
    }

    /// A command that may end, or a signal that the process may obey.
    fn stop_step(&mut self, instance: Instance, step: usize) {
        let spec = self
            .machine
            .spec(&instance.service)
            .expect("it is a service");
        let is_command = matches!(spec.stop[step], StopStep::Run { .. });
        if self.faults && self.roll(3) == 0 {
            return;
        }
        if is_command {
            self.pending.push(Pending::StopCommand(instance, step));
        } else if self
            .instances
            .get(&instance)
            .is_some_and(|processes| processes.main)
        {
            self.die(&instance, Exit::Clean);
        }
    }

    fn kill_all(&mut self, instance: &Instance) {
        if self
            .instances
            .get(instance)
            .is_some_and(|processes| processes.main)
        {
            self.die(instance, Exit::Signal(9));
        }
        self.pending.retain(
            |p| !matches!(p, Pending::Probe(of, _) | Pending::PostStart(of) | Pending::CheckFiles(of) | Pending::Reload(of) if of == instance),
        );
        self.pending.push(Pending::Empty(instance.clone()));
    }

    pub(crate) fn die(&mut self, instance: &Instance, exit: Exit) {
        let leaves = self.roll(3);
        if let Some(processes) = self.instances.get_mut(instance) {
            processes.main = false;
            processes.others += u32::try_from(leaves).expect("small");
        }
        self.pending.push(Pending::Exit(instance.clone(), exit));
    }

    /// What an instance uses now. It is more than before, in large steps.
    pub(crate) fn leak(&mut self, instance: &Instance) -> Option<Usage> {
        let (step, pressed) = (self.roll(LIMIT / 2), 1);
        let used = &mut self.instances.get_mut(instance)?.used;
        used.held = (used.held + step).min(LIMIT);
        used.at_limit += pressed;
        Some(*used)
    }
}
