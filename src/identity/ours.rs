//! Decides which of a list of processes are the gateway's. This is pure.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use sys::proc::Stat;

use super::{GatewayId, Mark, Owner};

/// A process as /proc shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The number and the relatives of the process.
    pub stat: Stat,
    /// The mark in its environment. `None` if it has no mark, has written over it, or is another user's
    /// process.
    pub mark: Option<Mark>,
    /// Its cgroup.
    pub cgroup: Option<String>,
    /// Its working folder, if we may see it.
    pub folder: Option<PathBuf>,
}

/// A main process that was launched.
#[derive(Debug, Clone)]
pub struct Root<'a> {
    /// The service or the work for which it was launched.
    pub owner: Owner,
    /// The number of the process.
    pub pid: i32,
    /// When it was started.
    pub started: u64,
    /// Its cgroup, where it has one of its own.
    pub cgroup: Option<&'a str>,
    /// The working folder of its service.
    pub folder: &'a Path,
}

/// What is known before the list of processes is looked at.
#[derive(Debug)]
pub struct Known<'a> {
    /// The gateway whose processes are looked for.
    pub gateway: &'a GatewayId,
    /// The main processes that were launched.
    pub roots: Vec<Root<'a>>,
    /// The process that asks. Neither it nor any of its ancestors is ever among the processes that are found.
    pub own: i32,
    /// Whether every process below `own` is the gateway's. That is so if `own` is the daemon, to which the
    /// kernel gives processes that lose their parent.
    pub reaper: bool,
}

/// A process of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// The number of the process.
    pub pid: i32,
    /// When it was started. Together with the number, this identifies the process.
    pub started: u64,
    /// The service or the work for which it was launched.
    pub owner: Owner,
    /// Whether it is a main process that is in the record.
    pub main: bool,
}

/// Finds the gateway's processes among these.
///
/// A process is the gateway's if
/// - it carries the gateway's mark, or
/// - its number and its start are those of a main process, or
/// - it is in the process group, the session or the cgroup of one, or
/// - its parent is the gateway's.
///
/// The number of a group or session proves nothing when its leader is gone, because the number may have been
/// given to another. It counts if the process also works in the service's folder, as the workers of many
/// services do, or is known to be below the daemon. A process with the mark of another gateway belongs to
/// that gateway.
pub fn ours(processes: &[Process], known: &Known<'_>) -> Vec<Ours> {
    let by_pid: HashMap<i32, &Process> = processes.iter().map(|p| (p.stat.pid, p)).collect();
    let spared = ancestors(known.own, &by_pid);
    let mut owners: HashMap<i32, Option<Owner>> = processes
        .iter()
        .filter_map(|process| Some((process.stat.pid, Some(direct(process, known, &by_pid)?))))
        .collect();
    for process in processes {
        let mut path = Vec::new();
        let mut at = process;
        // Up to the first whose owner is known, or to the end of what may be the gateway's.
        let owner = loop {
            let pid = at.stat.pid;
            if let Some(owner) = owners.get(&pid) {
                break owner.clone();
            }
            if spared.contains(&pid) || path.contains(&pid) || is_foreign(at, known) {
                break None;
            }
            path.push(pid);
            match by_pid.get(&at.stat.parent) {
                // A parent is not younger than its child: that would be another with its number.
                Some(parent) if parent.stat.started <= at.stat.started => at = parent,
                Some(_) | None => break None,
            }
        };
        for pid in path {
            owners.insert(pid, owner.clone());
        }
    }
    let found = processes
        .iter()
        .filter(|process| !process.stat.zombie && !spared.contains(&process.stat.pid));
    found
        .filter_map(|process| {
            let Stat { pid, started, .. } = process.stat;
            Some(Ours {
                pid,
                started,
                owner: owners.get(&pid).cloned().flatten()?,
                main: known.roots.iter().any(|root| is_root(process, root)),
            })
        })
        .collect()
}

/// The process that asks and all of its ancestors.
fn ancestors(own: i32, by_pid: &HashMap<i32, &Process>) -> HashSet<i32> {
    let mut spared = HashSet::from([own]);
    let mut at = own;
    while let Some(process) = by_pid.get(&at) {
        at = process.stat.parent;
        if !spared.insert(at) {
            break;
        }
    }
    spared
}

fn is_root(process: &Process, root: &Root<'_>) -> bool {
    (process.stat.pid, process.stat.started) == (root.pid, root.started)
}

fn is_foreign(process: &Process, known: &Known<'_>) -> bool {
    let mark = process.mark.as_ref();
    mark.is_some_and(|mark| mark.gateway != *known.gateway)
}

/// The service or the work for which a process runs, by what the process itself shows.
fn direct(process: &Process, known: &Known<'_>, by_pid: &HashMap<i32, &Process>) -> Option<Owner> {
    if let Some(mark) = &process.mark {
        // Inherited, and so the nearest truth: a command of another service may have a group of its
        // own below this one.
        return mark
            .owner
            .clone()
            .filter(|_| mark.gateway == *known.gateway);
    }
    let root = |wanted: &dyn Fn(&&Root<'_>) -> bool| known.roots.iter().find(wanted);
    let led = |root: &&Root<'_>| {
        let in_it = [process.stat.group, process.stat.session].contains(&root.pid);
        let at_home = || process.folder.as_deref() == Some(root.folder);
        in_it
            && match by_pid.get(&root.pid) {
                Some(leader) => is_root(leader, root),
                None => known.reaper || at_home(),
            }
    };
    let contained =
        |root: &&Root<'_>| root.cgroup.is_some() && root.cgroup == process.cgroup.as_deref();
    // A process that lost its parent, its mark and its group: one of PostgreSQL's, each of which
    // leads a session. That it is the gateway's is known by its parent; the folder says whose.
    let handed = |root: &&Root<'_>| {
        known.reaper
            && process.stat.parent == known.own
            && process.folder.as_deref() == Some(root.folder)
    };
    root(&|root| is_root(process, root))
        .or_else(|| root(&led))
        .or_else(|| root(&contained))
        .or_else(|| root(&handed))
        .map(|root| root.owner.clone())
}

#[cfg(test)]
mod tests;
