//! What the processes of a service do while it gives no answer. [`supervise::hang`] judges it.

use std::time::Duration;

use supervise::{
    event::{Event, Instance, Phase, Verdict},
    hang::{Activity, hangs},
};
use sys::proc::{self, Stat};

use super::{Executor, effects::no_answer, instances::Running};

impl Executor {
    /// The verdict on a probe that had no answer within its limit.
    pub(super) fn silent(&mut self, instance: Instance, phase: Phase, limit: Duration) -> Event {
        let why = no_answer(limit);
        let verdict = match phase {
            // Before a service is ready nobody knows how much it has to do.
            Phase::Readiness => Verdict::Fail(why),
            Phase::Liveness => self.hung_or_slow(&instance, why),
        };
        Event::Probed {
            instance,
            phase,
            verdict,
        }
    }

    /// Forgets what was seen before: after an answer of any kind it says nothing about the next silence.
    pub(super) fn heard(&mut self, event: &Event) {
        if let Event::Probed { instance, .. } = event
            && let Some(running) = self.instances.get_mut(instance)
        {
            running.silence = None;
        }
    }

    fn hung_or_slow(&mut self, instance: &Instance, why: String) -> Verdict {
        let now = self.clock.now();
        let Some(running) = self.instances.get(instance) else {
            return Verdict::Fail(why);
        };
        let seen = activity(&self.processes(running));
        let before = running.silence.map(|(before, at)| (before, now.since(at)));
        if let Some(running) = self.instances.get_mut(instance) {
            running.silence = Some((seen, now));
        }
        match (hangs(before, &seen), seen.stopped) {
            (false, _) => Verdict::Fail(why),
            (true, true) => Verdict::Hung(format!("{why}, and a signal has stopped it")),
            (true, false) => Verdict::Hung(format!("{why}, and it does nothing")),
        }
    }

    /// The processes of an instance.
    pub(super) fn processes(&self, running: &Running) -> Vec<Stat> {
        let pids = self.instances.processes(running).into_iter();
        pids.filter_map(|pid| proc::stat(pid).ok()).collect()
    }
}

fn activity(processes: &[Stat]) -> Activity {
    let ticks = processes.iter().map(|stat| stat.cpu_ticks).sum::<u64>();
    Activity {
        cpu: proc::ticks(ticks),
        stopped: processes.iter().any(|stat| stat.stopped),
        busy: processes.iter().any(|stat| stat.busy),
    }
}
