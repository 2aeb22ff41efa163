//! What has happened in the random runs.

use std::collections::BTreeSet;

use supervise::{
    effect::{Reason, StateName},
    event::Event,
    machine::Uptake,
};

use crate::world::World;

/// The changes of state that were seen. If no service ever fails in a simulation, it proves nothing about
/// failures.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    arrows: BTreeSet<(StateName, StateName)>,
    /// Instances that were ended for a leak.
    leaks: usize,
    uptakes: Vec<Uptake>,
    /// Reloads that succeeded, and reloads that were refused.
    reloads: [usize; 2],
    /// Instances that used more memory than their new limits allow.
    too_large: usize,
}

impl Coverage {
    pub(crate) fn add(&mut self, world: &World) {
        let changes = &world.changes;
        self.arrows.extend(changes.iter().map(|c| (c.from, c.to)));
        let leaks = changes
            .iter()
            .filter(|c| matches!(c.reason, Reason::Leaks(_)) && c.to == StateName::Waiting);
        self.leaks += leaks.count();
        self.uptakes.extend(&world.uptakes);
        for (_, event) in &world.events {
            match event {
                Event::FilesChecked { result, .. } | Event::Reloaded { result, .. } => {
                    self.reloads[usize::from(result.is_err())] += 1;
                }
                Event::Limited { result, .. } => self.too_large += usize::from(result.is_err()),
                _ => {}
            }
        }
    }

    pub(crate) fn check(&self) {
        use StateName::{
            BackingOff, Completed, Draining, Failed, Ready, Running, Scheduled, Starting, Stopped,
            Stopping, Unhealthy, Waiting,
        };
        for arrow in [
            (Stopped, Waiting),
            (Waiting, Starting),
            (Waiting, Stopped),
            (Starting, Running),
            (Starting, Unhealthy),
            (Running, Stopping),
            (Stopping, Completed),
            (Completed, Waiting),
            (Stopped, Scheduled),
            (Scheduled, Waiting),
            (Starting, Ready),
            (Starting, Stopping),
            (Starting, BackingOff),
            (Starting, Failed),
            (Ready, Unhealthy),
            (Unhealthy, Ready),
            (Ready, Draining),
            (Ready, Stopping),
            (Unhealthy, Draining),
            (Unhealthy, Stopping),
            (Draining, Stopping),
            (Stopping, Stopped),
            (Stopping, Waiting),
            (Stopping, BackingOff),
            (Stopping, Failed),
            (BackingOff, Waiting),
            (BackingOff, Stopped),
            (Failed, Waiting),
            (Failed, Stopped),
        ] {
            assert!(
                self.arrows.contains(&arrow),
                "{} -> {} never happened",
                arrow.0,
                arrow.1
            );
        }
        for uptake in [
            Uptake::Live,
            Uptake::Reload,
            Uptake::Restart,
            Uptake::NextStart,
        ] {
            let count = self.uptakes.iter().filter(|seen| **seen == uptake).count();
            assert!(count > 20, "only {count} times {uptake:?}");
        }
        let [done, refused] = self.reloads;
        assert!(
            done > 20 && refused > 10,
            "{done} reloads, {refused} refused"
        );
        assert!(self.too_large > 2, "only {}", self.too_large);
        assert!(self.leaks > 20, "only {} leaks were mended", self.leaks);
    }
}
