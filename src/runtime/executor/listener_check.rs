//! Whether what answered a readiness probe is the service.
//!
//! LiteLLM takes seconds until it listens on its port. Somebody else who has taken it meanwhile would
//! make it ready, and would be handed the master key by the command that runs then.

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
    /// The event, but for an answer of somebody else's that would make a service ready.
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

    /// Who listens in the service's place; none: the service, or nobody can tell.
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

/// Whether a process of the service listens, or may do so where we cannot look.
fn may_hold(pid: pid_t, listeners: &[Listener]) -> bool {
    listeners::held_by(pid, listeners)
        .unwrap_or_else(|error| error.kind() == io::ErrorKind::PermissionDenied)
}
