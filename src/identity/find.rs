//! Finds the gateway's processes as they are at this moment.

use std::{collections::HashSet, io, path::Path};

use sys::{
    pidfd::PidFd,
    proc::{self, ProcError, Stat},
};

use super::{GatewayId, Known, LaunchRecord, Mark, Ours, Owner, Process, Root, VARIABLE, ours};

/// Why it cannot be told which processes are the gateway's.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The gateway's number cannot be read.
    #[error("cannot read the gateway's identity in its state folder")]
    Identity(#[source] io::Error),
    /// The list of processes cannot be read.
    #[error(transparent)]
    Processes(#[from] ProcError),
}

/// A process of the gateway. It is held, so that its number cannot pass to another process.
#[derive(Debug)]
pub struct Handle {
    /// Which process it is.
    pub process: Ours,
    /// The descriptor that is used to signal the process and to wait for its end.
    pub pidfd: PidFd,
}

/// Finds the processes of the gateway with this state folder, except for this process and its ancestors.
///
/// # Errors
/// The gateway's number or /proc cannot be read.
pub fn find(state: &Path) -> Result<Vec<Handle>, FindError> {
    let found = look(state)?.into_iter();
    Ok(found.filter_map(hold).collect())
}

/// The numbers of the processes that [`find`] finds. A number may pass to another process, so this is only a
/// hint.
///
/// # Errors
/// The same as those of [`find`].
pub fn pids(state: &Path) -> Result<HashSet<i32>, FindError> {
    Ok(look(state)?.into_iter().map(|found| found.pid).collect())
}

fn look(state: &Path) -> Result<Vec<Ours>, FindError> {
    let Some(gateway) = GatewayId::read(state).map_err(FindError::Identity)? else {
        return Ok(Vec::new());
    };
    let record = LaunchRecord::read(state, &gateway).unwrap_or_default();
    let processes: Vec<_> = proc::all()?.into_iter().map(process).collect();
    let roots = record.processes.iter().map(|process| Root {
        owner: Owner::Service(process.service.clone()),
        pid: process.pid,
        started: process.started,
        cgroup: process.cgroup.as_deref(),
        folder: &process.folder,
    });
    let known = Known {
        gateway: &gateway,
        roots: roots.collect(),
        own: nix::unistd::getpid().as_raw(),
        reaper: false,
    };
    Ok(ours(&processes, &known))
}

/// What /proc shows of a process besides its numbers.
pub fn process(stat: Stat) -> Process {
    let mark = proc::variable(stat.pid, VARIABLE).ok().flatten();
    Process {
        mark: mark.and_then(|value| Mark::parse(&value)),
        cgroup: proc::cgroup(stat.pid).ok().flatten(),
        folder: proc::cwd(stat.pid).ok(),
        stat,
    }
}

/// Reads it. `None` if the process has ended.
fn hold(process: Ours) -> Option<Handle> {
    let pidfd = PidFd::open(process.pid).ok()?;
    // The number may have passed to another between the look and the handle, and not since.
    let stat = proc::stat(process.pid).ok()?;
    (stat.started == process.started).then_some(Handle { process, pidfd })
}
