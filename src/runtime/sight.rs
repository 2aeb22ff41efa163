//! What there is to tell at a moment: the status of everything, and why a service is as it is.
//!
//! It looks and changes nothing. What takes time, sums of memory and files that may not answer, is left to
//! a thread of whoever asks.

use std::collections::BTreeMap;

use nix::{
    libc::pid_t,
    unistd::{SysconfVar, sysconf},
};
use supervise::{
    effect::StateName,
    machine::{self, Machine, all_fine},
    spec::ServiceName,
};
use sys::{cgroup::Cgroup, proc};

use super::{
    Compare, Compared, Planned, executor::Executor, groups::Groups, publisher::Publisher, skipped,
};
use crate::{
    config::paths::Paths,
    control::types::{
        Blame, ConfigurationState, Cpu, DietState, GatewayState, GatewayStatus, Memory, Refusal,
        ServiceStatus, Why,
    },
};

/// All that can be told of.
pub(super) struct Sight<'a> {
    pub(super) machine: &'a Machine,
    pub(super) executor: &'a Executor,
    pub(super) publisher: &'a Publisher,
    pub(super) planned: &'a Planned,
    /// Everything is going down, for good.
    pub(super) ending: bool,
}

/// Processes whose memory is still to be summed up, by service.
pub(super) type Unmeasured = Vec<(ServiceName, Vec<pid_t>)>;

impl Sight<'_> {
    /// The whole gateway as it is now. Where no cgroup counts memory, [`measured`] has to.
    pub(super) fn gateway(&self) -> (GatewayStatus, Unmeasured) {
        let mut unmeasured = Unmeasured::new();
        let mut services = BTreeMap::new();
        for status in self.machine.status() {
            let (status_now, members) = self.service(&status);
            let name = status.instance.service;
            unmeasured.extend(members.map(|members| (name.clone(), members)));
            services.insert(name, status_now);
        }
        let status = GatewayStatus {
            state: self.state(),
            profile: self.planned.profile.clone(),
            limits: self.executor.groups.state(),
            urls: self.planned.urls.clone(),
            configuration: ConfigurationState {
                refused: self.publisher.refused.clone(),
                ..ConfigurationState::default()
            },
            diet: DietState::default(),
            services,
        };
        (status, unmeasured)
    }

    /// What explains a service's current state, and its processes where their memory is still to be summed
    /// up.
    pub(super) fn why(&self, name: &ServiceName) -> Result<(Why, Unmeasured), Refusal> {
        let status = self
            .machine
            .status()
            .find(|status| status.instance.service == *name)
            .ok_or_else(|| Refusal::Failed(format!("{name} is gone")))?;
        let history = self.publisher.history(name);
        let (now, members) = self.service(&status);
        let why = Why {
            service: name.clone(),
            status: now,
            history: history.collect(),
        };
        let unmeasured = members.map(|members| (name.clone(), members));
        Ok((why, unmeasured.into_iter().collect()))
    }

    /// How the last start of everything went, or the newest one of a service.
    pub(super) fn blame(&self, service: Option<&ServiceName>) -> Blame {
        let clock = self.executor.clock;
        self.publisher.starts.blame(self.machine, clock, service)
    }

    fn state(&self) -> GatewayState {
        let services: Vec<_> = self.machine.status().collect();
        let ill = |service: &machine::ServiceStatus| match service.state {
            StateName::Unhealthy | StateName::BackingOff | StateName::Failed => true,
            StateName::Waiting
            | StateName::Starting
            | StateName::Draining
            | StateName::Stopping => self.publisher.was_ready && !service.is_fine(),
            StateName::Ready
            | StateName::Running
            | StateName::Completed
            | StateName::Scheduled
            | StateName::Stopped => false,
        };
        let stopped = |service: &machine::ServiceStatus| service.state == StateName::Stopped;
        if self.ending {
            GatewayState::Stopping
        } else if services.iter().all(stopped) {
            GatewayState::Stopped
        } else if services.iter().any(ill) {
            GatewayState::Degraded
        } else if all_fine(&services) {
            GatewayState::Ready
        } else {
            GatewayState::Starting
        }
    }

    /// One service, and its processes where their memory is still to be summed up.
    fn service(&self, status: &machine::ServiceStatus) -> (ServiceStatus, Option<Vec<pid_t>>) {
        let name = &status.instance.service;
        let running = self.executor.instances.of(name);
        let group = self.executor.groups.open(name);
        let members = match (&group, running) {
            (None, Some(running)) => Some(self.executor.instances.members(running)),
            (Some(_), _) | (None, None) => None,
        };
        let (memory, usage_usec) = match &group {
            Some(group) => (
                memory(group),
                group.cpu_stat().ok().map(|stat| stat.usage_usec),
            ),
            None => (Memory::default(), members.as_deref().and_then(cpu_usec)),
        };
        let cpu_milli = self
            .machine
            .spec(name)
            .and_then(|spec| spec.limits.cpu_milli);
        let quota = match self.executor.groups {
            Groups::Delegated { .. } => cpu_milli.map(|milli| f64::from(milli) / 1000.0),
            Groups::None { .. } => None,
        };
        let main = self.executor.instances.main(&status.instance);
        let status = ServiceStatus {
            state: status.state,
            since: self.executor.clock.rfc3339(status.since),
            reason: reason(status),
            pid: main
                .and(running)
                .and_then(|running| u32::try_from(running.leader).ok()),
            restarts: status.restarts,
            outdated: status.outdated.clone(),
            listens: self.executor.listeners.addresses(name),
            cgroup: self.executor.groups.path(name),
            memory,
            cpu: Cpu { usage_usec, quota },
        };
        (status, members)
    }
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
