//! What services use: memory and CPU, by their cgroups, or by their processes if there are no cgroups.
//!
//! To sum up the memory of a process the kernel walks through all of it, which takes a tenth of a second
//! for a gigabyte. So a worker measures, and only when somebody asks.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use nix::{
    libc::pid_t,
    unistd::{SysconfVar, getpid, sysconf},
};
use supervise::spec::ServiceName;
use sys::{cgroup::Cgroup, proc};
use tokio::sync::watch;

use super::worker::Worker;
use crate::{
    control::types::Memory,
    identity::{self, GatewayId, Known, Owner, Root},
    publish::{Figures, ServiceSnapshot, Snapshot, Usage},
};

/// The limit of one measurement. Only a process that hangs in the kernel makes it take that long. A caller
/// who asks while one is under way waits for two of them, which together have to take less than the command
/// line waits.
pub(super) const LIMIT: Duration = Duration::from_secs(2);

/// What is to be measured: one service, or all services.
pub(super) type Subject = Option<ServiceName>;

/// How the processes of this gateway are found.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The number of the gateway.
    pub(super) gateway: GatewayId,
    /// The cgroup below which each service has its own, if there are cgroups.
    pub(super) groups: Option<PathBuf>,
}

/// Measures for callers, until the daemon ends.
pub(super) async fn serve(
    mut worker: Worker<Subject, Figures>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    places: Places,
) {
    let places = Arc::new(places);
    while let Some(batch) = worker.next().await {
        let subjects: Option<BTreeSet<_>> = batch.questions().cloned().collect();
        let (snapshot, places) = (snapshots.borrow().clone(), Arc::clone(&places));
        let found = worker
            .work(move || figures(&snapshot, subjects.as_ref(), &places))
            .await;
        // If the measurement took too long, its figures are not known.
        batch.answer(found.unwrap_or_default());
    }
}

/// What one service uses, or what all use.
fn figures(
    snapshot: &Snapshot,
    subjects: Option<&BTreeSet<ServiceName>>,
    places: &Places,
) -> Figures {
    let root = places.groups.as_ref();
    let root = root.and_then(|path| Cgroup::open(path).ok());
    let is_subject = |name: &ServiceName| subjects.is_none_or(|subjects| subjects.contains(name));
    let mut found = Figures::new();
    let mut without = BTreeSet::new();
    for service in snapshot.services.iter().filter(|s| is_subject(s.name())) {
        let name = service.name();
        let group = root
            .as_ref()
            .and_then(|root| root.child(name.as_str()).ok());
        if let Some(group) = group {
            found.insert(name.clone(), of_group(&group));
        } else if service.now.process.is_some() {
            without.insert(name);
        }
    }
    if !without.is_empty() {
        for (name, members) in members(&snapshot.services, &without, &places.gateway) {
            found.insert(name, of_processes(&members));
        }
    }
    found
}

fn of_group(group: &Cgroup) -> Usage {
    Usage {
        memory: Memory {
            current: group.memory_current().ok(),
            peak: group.memory_peak().ok().flatten(),
            high: group.memory_high().ok().flatten(),
            max: group.memory_max().ok().flatten(),
        },
        cpu_usec: group.cpu_stat().ok().map(|stat| stat.usage_usec),
    }
}

fn of_processes(members: &[pid_t]) -> Usage {
    let current = members.iter().filter_map(|&pid| proc::pss(pid).ok()).sum();
    let stats = members.iter().filter_map(|&pid| proc::stat(pid).ok());
    Usage {
        memory: Memory {
            current: Some(current),
            ..Memory::default()
        },
        cpu_usec: ticks_to_usec(stats.map(|stat| stat.cpu_ticks).sum()),
    }
}

/// The processes of these services: those of our descendants that [`identity::ours`] finds to be theirs.
///
/// The descendants of other services' main processes are not searched. A process whose parent has ended
/// becomes a child of this daemon, which is the subreaper, and never a descendant of another service.
fn members(
    services: &[Arc<ServiceSnapshot>],
    wanted: &BTreeSet<&ServiceName>,
    gateway: &GatewayId,
) -> HashMap<ServiceName, Vec<pid_t>> {
    let own = getpid().as_raw();
    let main =
        |service: &Arc<ServiceSnapshot>| Some((service.now.process?.pid, service.name().clone()));
    let mains: HashMap<_, _> = services.iter().filter_map(main).collect();
    let may_be = |pid: pid_t| mains.get(&pid).is_none_or(|name| wanted.contains(name));
    let descendants = proc::descendants(own, may_be).unwrap_or_default();
    let stats = descendants
        .into_iter()
        .filter_map(|pid| proc::stat(pid).ok());
    let processes: Vec<_> = stats.map(identity::process).collect();
    let roots = services.iter().filter_map(|service| {
        let process = service.now.process?;
        Some(Root {
            owner: Owner::Service(service.name().clone()),
            pid: process.pid,
            started: process.started,
            cgroup: None,
            folder: &service.now.folder,
        })
    });
    let known = Known {
        gateway,
        roots: roots.collect(),
        own,
        reaper: true,
    };
    let mut found: HashMap<ServiceName, Vec<pid_t>> = wanted
        .iter()
        .map(|&name| (name.clone(), Vec::new()))
        .collect();
    for ours in identity::ours(&processes, &known) {
        if let Owner::Service(name) = &ours.owner
            && let Some(members) = found.get_mut(name)
        {
            members.push(ours.pid);
        }
    }
    found
}

fn ticks_to_usec(ticks: u64) -> Option<u64> {
    let per_second = sysconf(SysconfVar::CLK_TCK).ok()??;
    let per_second = u64::try_from(per_second).ok()?;
    ticks.checked_mul(1_000_000)?.checked_div(per_second)
}
