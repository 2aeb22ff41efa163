//! What people and scripts are told: status, history and log.

use std::collections::BTreeMap;

use nix::{
    libc::pid_t,
    unistd::{SysconfVar, sysconf},
};
use supervise::{
    effect::{Change, Reason, StateName},
    event::{Event, Exit},
    machine,
    spec::ServiceName,
};
use sys::{cgroup::Cgroup, proc};

use super::{Compare, Compared, daemon::Daemon, groups::Groups, skipped, starts};
use crate::{
    config::paths::Paths,
    control::types::{
        ConfigurationState, Cpu, DietState, GatewayState, GatewayStatus, Memory, Moment, Refusal,
        ServiceStatus, Why,
    },
    logs::messages,
};

/// So many changes of a service are remembered.
const HISTORY: usize = 50;

/// Processes whose memory is still to be summed up, by service.
pub(super) type Unmeasured = Vec<(ServiceName, Vec<pid_t>)>;

/// The whole gateway as it is now. Where no cgroup counts memory, [`measured`] has to.
pub(super) fn gateway(daemon: &Daemon) -> (GatewayStatus, Unmeasured) {
    let mut unmeasured = Unmeasured::new();
    let mut services = BTreeMap::new();
    for status in daemon.machine.status() {
        let (status_now, members) = service(daemon, &status);
        let name = status.instance.service;
        unmeasured.extend(members.map(|members| (name.clone(), members)));
        services.insert(name, status_now);
    }
    let status = GatewayStatus {
        state: state(daemon),
        profile: daemon.planned.profile.clone(),
        limits: daemon.groups.state(),
        urls: daemon.planned.urls.clone(),
        configuration: ConfigurationState {
            refused: daemon.refused.clone(),
            ..ConfigurationState::default()
        },
        diet: DietState::default(),
        services,
    };
    (status, unmeasured)
}

/// Adds what only files tell: how the configuration on disk compares, and which measures of the diet
/// the services have skipped. Not a thing to do in the loop, because a file may be on a mount that
/// does not answer.
pub(super) fn look(status: &mut GatewayStatus, compare: &Compare, paths: &Paths) {
    let Compared { differs, invalid } = compare.look();
    status.configuration.differs = differs;
    status.configuration.invalid = invalid;
    let names = status.services.keys();
    let skipped = names.flat_map(|name| skipped::read(name, &paths.rendered(name)));
    status.diet.skipped = skipped.collect();
}

/// Sums up the memory of processes. The kernel walks through all of it for that, a tenth of a second
/// for a gigabyte: not a thing to do in the loop.
pub(super) fn measured(unmeasured: Unmeasured) -> impl Iterator<Item = (ServiceName, u64)> {
    let sums = unmeasured.into_iter();
    sums.map(|(name, members)| (name, pss(&members)))
}

fn pss(members: &[pid_t]) -> u64 {
    members.iter().filter_map(|&pid| proc::pss(pid).ok()).sum()
}

fn state(daemon: &Daemon) -> GatewayState {
    let states: Vec<_> = daemon.machine.states().map(|(_, state)| state).collect();
    let ill = |state: &StateName| match state {
        StateName::Unhealthy | StateName::BackingOff | StateName::Failed => true,
        StateName::Waiting | StateName::Starting | StateName::Draining | StateName::Stopping => {
            daemon.was_ready
        }
        StateName::Ready
        | StateName::Running
        | StateName::Completed
        | StateName::Scheduled
        | StateName::Stopped => false,
    };
    if daemon.asked_to_end > 0 {
        GatewayState::Stopping
    } else if states.iter().all(|state| *state == StateName::Stopped) {
        GatewayState::Stopped
    } else if states.iter().any(ill) {
        GatewayState::Degraded
    } else if daemon.all_ready() {
        GatewayState::Ready
    } else {
        GatewayState::Starting
    }
}

/// One service, and its processes where their memory is still to be summed up.
fn service(
    daemon: &Daemon,
    status: &machine::ServiceStatus,
) -> (ServiceStatus, Option<Vec<pid_t>>) {
    let name = &status.instance.service;
    let running = daemon.instances.of(name);
    let group = daemon.groups.open(name);
    let members = match (&group, running) {
        (None, Some(running)) => Some(daemon.instances.members(running)),
        (Some(_), _) | (None, None) => None,
    };
    let (memory, usage_usec) = match &group {
        Some(group) => (
            memory(group),
            group.cpu_stat().ok().map(|stat| stat.usage_usec),
        ),
        None => (Memory::default(), members.as_deref().and_then(cpu_usec)),
    };
    let cpu_milli = daemon
        .machine
        .spec(name)
        .and_then(|spec| spec.limits.cpu_milli);
    let quota = match daemon.groups {
        Groups::Delegated { .. } => cpu_milli.map(|milli| f64::from(milli) / 1000.0),
        Groups::None { .. } => None,
    };
    let main = daemon.instances.main(&status.instance);
    let status = ServiceStatus {
        state: status.state,
        since: daemon.clock.rfc3339(status.since),
        reason: reason(status),
        pid: main
            .and(running)
            .and_then(|running| u32::try_from(running.leader).ok()),
        restarts: status.restarts,
        outdated: status.outdated.clone(),
        listens: daemon.listeners.addresses(name),
        cgroup: daemon.groups.path(name),
        memory,
        cpu: Cpu { usage_usec, quota },
    };
    (status, members)
}

fn reason(status: &machine::ServiceStatus) -> String {
    if status.waits_for.is_empty() {
        return status.reason.to_string();
    }
    let names: Vec<_> = status.waits_for.iter().map(ToString::to_string).collect();
    format!("waits for {}", names.join(", "))
}

fn memory(group: &Cgroup) -> Memory {
    Memory {
        current: group.memory_current().ok(),
        peak: group.memory_peak().ok().flatten(),
        high: group.memory_high().ok().flatten(),
        max: group.memory_max().ok().flatten(),
    }
}

fn cpu_usec(members: &[pid_t]) -> Option<u64> {
    let stats = members.iter().filter_map(|&pid| proc::stat(pid).ok());
    ticks_to_usec(stats.map(|stat| stat.cpu_ticks).sum())
}

fn ticks_to_usec(ticks: u64) -> Option<u64> {
    let per_second = sysconf(SysconfVar::CLK_TCK).ok()??;
    let per_second = u64::try_from(per_second).ok()?;
    ticks.checked_mul(1_000_000)?.checked_div(per_second)
}

/// What explains a service's current state, and its processes where their memory is still to be summed
/// up.
pub(super) fn why(daemon: &Daemon, name: &ServiceName) -> Result<(Why, Unmeasured), Refusal> {
    let status = daemon
        .machine
        .status()
        .find(|status| status.instance.service == *name)
        .ok_or_else(|| Refusal::Failed(format!("{name} is gone")))?;
    let history = daemon.history.get(name).into_iter().flatten().cloned();
    let (now, members) = service(daemon, &status);
    let why = Why {
        service: name.clone(),
        status: now,
        history: history.collect(),
    };
    let unmeasured = members.map(|members| (name.clone(), members));
    Ok((why, unmeasured.into_iter().collect()))
}

/// A service went from one state to another: remembers it.
pub(super) fn change(daemon: &mut Daemon, change: &Change) {
    let name = &change.instance.service;
    let moment = Moment {
        at: daemon.clock.rfc3339(daemon.clock.now()),
        state: change.to,
        reason: change.reason.to_string(),
    };
    let history = daemon.history.entry(name.clone()).or_default();
    if history.len() == HISTORY {
        history.pop_front();
    }
    history.push_back(moment);
    log(change);
    daemon.changed = true;
}

/// Tells everybody how things are, once for all that has changed in one turn.
pub(super) fn told(daemon: &mut Daemon) {
    if !std::mem::take(&mut daemon.changed) {
        return;
    }
    starts::look(daemon);
    if daemon.all_ready() && daemon.asked_to_end == 0 && !daemon.was_ready {
        daemon.was_ready = true;
        tracing::info!(
            message_id = messages::GATEWAY_READY.id,
            "everything is ready"
        );
    }
    daemon.changes.send_modify(|count| *count += 1);
}

/// Tells of what changes no state.
pub(super) fn heard(event: &Event) {
    match event {
        Event::Reloaded { instance, result } => {
            let name = instance.service.as_str();
            match result {
                Ok(()) => tracing::info!(
                    ai_gateway_service = name,
                    message_id = messages::SERVICE_RELOADED.id,
                    "{name} reads its files again"
                ),
                Err(why) => tracing::error!(
                    ai_gateway_service = name,
                    message_id = messages::SERVICE_OUTDATED.id,
                    "{name} goes on with its old files: {why}"
                ),
            }
        }
        Event::Limited {
            instance,
            result: Err(why),
        } => {
            let name = instance.service.as_str();
            tracing::info!(ai_gateway_service = name, "{name} restarts: {why}");
        }
        _ => {}
    }
}

fn log(change: &Change) {
    let name = change.instance.service.as_str();
    let (to, reason) = (change.to, &change.reason);
    macro_rules! say {
        ($level:ident, $message:expr, $($text:tt)+) => {
            tracing::$level!(ai_gateway_service = name, message_id = $message.id, $($text)+)
        };
    }
    match (to, reason) {
        (StateName::Failed, _) => {
            say!(
                error,
                messages::SERVICE_FAILED,
                "{name} has failed for good: {reason}"
            );
        }
        (_, Reason::Exited(Exit::OutOfMemory)) => {
            say!(
                error,
                messages::SERVICE_OUT_OF_MEMORY,
                "{name} is {to}: {reason}"
            );
        }
        (StateName::Draining | StateName::Stopping, Reason::Leaks(_))
            if matches!(change.from, StateName::Ready | StateName::Unhealthy) =>
        {
            say!(warn, messages::SERVICE_LEAKS, "{name} is {to}: {reason}");
        }
        (StateName::Stopping | StateName::Waiting, Reason::Exited(_)) => {
            say!(warn, messages::SERVICE_EXITED, "{name} is {to}: {reason}");
        }
        (StateName::BackingOff, _) => {
            say!(warn, messages::SERVICE_WAITS, "{name} is {to}: {reason}");
        }
        (StateName::Unhealthy, _) => {
            say!(
                warn,
                messages::SERVICE_UNHEALTHY,
                "{name} is {to}: {reason}"
            );
        }
        (StateName::Starting, _) => say!(info, messages::SERVICE_STARTING, "{name} is {to}"),
        (StateName::Ready, _) => say!(info, messages::SERVICE_READY, "{name} is {to}"),
        (StateName::Running, _) => say!(info, messages::SERVICE_STARTING, "{name} is {to}"),
        (StateName::Completed, _) => {
            say!(info, messages::TASK_COMPLETED, "{name} is {to}: {reason}");
        }
        (StateName::Stopped, _) => {
            say!(info, messages::SERVICE_STOPPED, "{name} is {to}: {reason}");
        }
        (
            StateName::Waiting | StateName::Scheduled | StateName::Draining | StateName::Stopping,
            _,
        ) => {
            tracing::info!(ai_gateway_service = name, "{name} is {to}: {reason}");
        }
    }
}
