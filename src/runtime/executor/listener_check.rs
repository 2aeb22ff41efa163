//! Checks that it was the service that answered a readiness probe.
//!
//! A service may need seconds until it listens on its port. If another program has taken the port meanwhile,
//! that program's answer would make the service ready, and the post-start command would then send it a key.

use std::io;

use nix::libc::pid_t;
use supervise::{
    event::{Event, Instance, Phase, Verdict},
    machine::Machine,
};
use sys::listeners::{self, Listener};

use super::Executor;
use crate::config::ports;

impl Executor {
    /// Returns the event, unless it is a passed probe that another program has answered: then the probe has
    /// failed.
    pub(super) fn unless_of_another(&self, event: Event, specs: &Machine) -> Event {
        match event {
            Event::Probed {
                instance,
                phase: Phase::Readiness,
                verdict: Verdict::Pass,
            } => Event::Probed {
                verdict: self
                    .another(&instance, specs)
                    .map_or(Verdict::Pass, Verdict::Fail),
                phase: Phase::Readiness,
                instance,
            },
            other => other,
        }
    }

    /// The program that listens in the place of the service. `None` if it is the service, or if nobody can
    /// tell.
    fn another(&self, instance: &Instance, specs: &Machine) -> Option<String> {
        let at = specs.spec(&instance.service)?.startup.listens?;
        let running = self.instances.get(instance)?;
        let listeners = listeners::on_port(at.port()).ok()?;
        let processes = self.instances.processes(running);
        if processes.iter().any(|&pid| may_hold(pid, &listeners)) {
            return None;
        }
        let who = ports::holder(at.port()).map_or_else(
            || "another user's process".to_owned(),
            |(pid, name)| format!("{name} (process {pid})"),
        );
        Some(format!("{who} listens on {at}, not the service"))
    }
}

/// Whether a process of the service listens there. True as well if its descriptors cannot be looked at.
fn may_hold(pid: pid_t, listeners: &[Listener]) -> bool {
    listeners::held_by(pid, listeners)
        .unwrap_or_else(|error| error.kind() == io::ErrorKind::PermissionDenied)
}
