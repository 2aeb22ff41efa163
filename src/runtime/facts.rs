//! What the loop knows of one service, for the publisher. All of it is in memory already. What has to be
//! measured or read from files is the work of workers (`measure`, `look`).

use supervise::{machine::Machine, spec::ServiceName};

use super::executor::Executor;
use crate::publish::{Process, ServiceFacts};

/// The facts of one service. `None` if there is no such service.
pub(super) fn facts(
    machine: &Machine,
    executor: &Executor,
    name: &ServiceName,
) -> Option<ServiceFacts> {
    let status = machine.status_of(name)?;
    let start = machine.start_of(name)?;
    let spec = machine.spec(name)?;
    let running = executor.instances.of(name);
    let main = executor.instances.main(&status.instance);
    let pid = main.and(running).map(|running| running.leader);
    Some(ServiceFacts {
        requires: start.requires,
        milestones: start.milestones,
        process: running.map(|running| Process {
            pid: running.leader,
            started: running.started,
        }),
        pid: pid.and_then(|pid| u32::try_from(pid).ok()),
        listens: executor.listeners.addresses(name),
        cpu_milli: spec.limits.cpu_milli,
        folder: running.map_or_else(|| spec.command.cwd.clone(), |running| running.cwd.clone()),
        status,
    })
}
