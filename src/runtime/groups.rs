//! The cgroups of the services: siblings below the cgroup that systemd delegated to us.
//!
//! The daemon moves itself into a leaf, `supervisor`, and puts every service into a leaf of its own,
//! because a cgroup that has controllers for its children may hold no process itself (systemd,
//! `docs/CGROUP_DELEGATION.md`). It never writes attributes of the cgroup that was delegated to it. If none
//! was delegated there are no limits, and [`Groups::state`] says why.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use nix::unistd::getpid;
use supervise::spec::{Limits, ServiceName};
use sys::cgroup::{Cgroup, CgroupError, CpuMax};

use crate::control::types::LimitsState;

/// The leaf of the daemon itself.
pub const SUPERVISOR: &str = "supervisor";

/// The controllers without which the limits of a profile cannot be enforced.
const NEEDED: [&str; 3] = ["memory", "cpu", "pids"];

/// The controller with which a busy disk is shared by weight. Few user managers delegate it.
const WELCOME: &str = "io";

/// A period of `cpu.max` in microseconds: the kernel's default.
const PERIOD_USEC: u64 = 100_000;

/// What systemd delegated to the daemon.
#[derive(Debug)]
pub enum Groups {
    /// A cgroup in which the daemon may make others.
    Delegated {
        /// The cgroup.
        root: Cgroup,
        /// Its path from the root of the cgroup file system.
        path: PathBuf,
        /// The controllers that the limits need and that are missing.
        missing: Vec<&'static str>,
        /// The services that have got a cgroup so far. Some may have been removed from the configuration.
        given: BTreeSet<ServiceName>,
    },
    /// Nothing.
    None {
        /// The reason, and what to do about it.
        reason: String,
    },
}

impl Groups {
    /// Takes over the cgroup in which this process was started, if it was delegated.
    pub fn take() -> Self {
        let read = |file| std::fs::read_to_string(file).unwrap_or_default();
        let Some(mount) = unified_mount(&read("/proc/self/mountinfo")) else {
            return Self::none("this machine mounts no unified cgroup hierarchy (cgroup v2)");
        };
        let Some(path) = own_path(&read("/proc/self/cgroup")) else {
            return Self::none("this process is in no unified cgroup");
        };
        Self::divide(&mount, path, getpid().as_raw())
    }

    /// Divides the cgroup at `path` below `mount`, in which `own` is the only process.
    pub fn divide(mount: &Path, path: PathBuf, own: i32) -> Self {
        let at = mount.join(path.strip_prefix("/").unwrap_or(&path));
        let found = Cgroup::open(&at).and_then(|root| Ok((root.processes()?, root)));
        let root = match found {
            Ok((processes, root)) if processes.iter().all(|&pid| pid == own) => root,
            Ok(_) => return Self::undelegated(&path, "holds other processes as well"),
            Err(error) => return Self::none(&error.to_string()),
        };
        match renewed(&root, SUPERVISOR).and_then(|leaf| leaf.add_process(own)) {
            Ok(()) => {}
            Err(_) => return Self::undelegated(&path, "is not delegated to this user"),
        }
        let available = root.controllers().unwrap_or_default();
        let enabled = |name: &str| {
            available.iter().any(|a| a == name) && root.enable_controllers(&[name]).is_ok()
        };
        let missing = NEEDED.into_iter().filter(|name| !enabled(name)).collect();
        let _welcome = enabled(WELCOME);
        Self::Delegated {
            root,
            path,
            missing,
            given: BTreeSet::new(),
        }
    }

    fn none(reason: &str) -> Self {
        Self::None {
            reason: reason.to_owned(),
        }
    }

    fn undelegated(path: &Path, why: &str) -> Self {
        Self::None {
            reason: format!(
                "the cgroup {} {why}: start the gateway as a systemd unit, which has Delegate=yes",
                path.display()
            ),
        }
    }

    /// Whether limits are enforced, for people and scripts.
    pub fn state(&self) -> LimitsState {
        let reason = match self {
            Self::Delegated { missing, .. } if missing.is_empty() => None,
            Self::Delegated { missing, .. } => Some(format!(
                "the controllers {} are not delegated to this unit: \
                 `systemctl edit user@.service`, [Service] Delegate=cpu memory pids io",
                missing.join(", ")
            )),
            Self::None { reason } => Some(reason.clone()),
        };
        LimitsState {
            enforced: reason.is_none(),
            reason,
        }
    }

    /// The path of the delegated cgroup from the root of the cgroup file system.
    pub fn place(&self) -> Option<PathBuf> {
        match self {
            Self::Delegated { path, .. } => Some(path.clone()),
            Self::None { .. } => None,
        }
    }

    /// The folder of that cgroup.
    pub fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::Delegated { root, .. } => Some(root.path().to_owned()),
            Self::None { .. } => None,
        }
    }

    /// The path of a service's cgroup from the root of the cgroup file system.
    pub fn path(&self, service: &ServiceName) -> Option<String> {
        match self {
            Self::Delegated { path, .. } => {
                Some(path.join(service.as_str()).to_string_lossy().into_owned())
            }
            Self::None { .. } => None,
        }
    }

    /// Prepares the cgroup of a service, with these limits in force before any process is in it.
    ///
    /// # Errors
    /// The kernel refuses the cgroup or a limit.
    pub fn prepare(
        &mut self,
        service: &ServiceName,
        limits: &Limits,
    ) -> Result<Option<Cgroup>, CgroupError> {
        match self {
            Self::None { .. } => Ok(None),
            Self::Delegated { root, given, .. } => {
                let group = renewed(root, service.as_str())?;
                given.insert(service.clone());
                enforce(&group, limits)?;
                Ok(Some(group))
            }
        }
    }

    /// Removes the cgroups of all services, which have no process any more. Returns those that still have a
    /// process or that the kernel does not remove.
    pub fn remove_all(&mut self) -> Vec<CgroupError> {
        match self {
            Self::Delegated { root, given, .. } => {
                let given = std::mem::take(given).into_iter();
                let removed = given.map(|service| root.remove_child(service.as_str()));
                removed.filter_map(Result::err).collect()
            }
            Self::None { .. } => Vec::new(),
        }
    }
}

/// The child with this name. It is made anew if no process is in it.
///
/// A process cannot be cloned into a cgroup that was killed once. The kernel counts the kills of a cgroup
/// (`kill_seq`; seen in 6.1.176). It compares the count of the parent's cgroup with that of the new one,
/// finds them different and kills the child. In a new cgroup the count is zero again.
fn renewed(root: &Cgroup, name: &str) -> Result<Cgroup, CgroupError> {
    // It may be in use, or not exist yet. If there is a real problem, the next line reports it.
    let _gone = root.remove_child(name);
    root.create_child(name)
}

/// Writes every limit whose controller is there. [`Groups::state`] has reported a missing controller once
/// already.
pub(super) fn enforce(group: &Cgroup, limits: &Limits) -> Result<(), CgroupError> {
    if group.has("memory.max") {
        // `memory.max` is written first, because a `memory.high` above it would have no effect.
        group.set_memory_max(limits.memory_max)?;
        group.set_memory_high(limits.memory_high)?;
        group.set_memory_oom_group(true)?;
    }
    if group.has("cpu.max") {
        group.set_cpu_max(CpuMax {
            quota_usec: limits
                .cpu_milli
                .map(|milli| u64::from(milli) * PERIOD_USEC / 1000),
            period_usec: PERIOD_USEC,
        })?;
        group.set_cpu_weight(weight(limits.cpu_weight))?;
    }
    if group.has("io.weight") {
        group.set_io_weight(weight(limits.io_weight))?;
    }
    if group.has("pids.max") {
        group.set_pids_max(limits.pids_max)?;
    }
    Ok(())
}

/// The kernel's default if nothing is configured.
fn weight(asked: Option<u32>) -> u16 {
    let weight = asked.unwrap_or(100).clamp(1, 10_000);
    u16::try_from(weight).expect("10000 fits")
}

/// Where the unified hierarchy is mounted, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)): the fifth
/// field is the path, and the type follows a dash.
fn unified_mount(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let unified = right.split(' ').next() == Some("cgroup2");
        unified.then(|| left.split(' ').nth(4).map(PathBuf::from))?
    })
}

/// The path of our cgroup from `/proc/self/cgroup` (cgroups(7)), which is in the line of hierarchy 0. A
/// path outside of our cgroup namespace begins with `/..` and cannot be used.
fn own_path(cgroup: &str) -> Option<PathBuf> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    (!path.starts_with("/..")).then(|| path.into())
}

#[cfg(test)]
mod tests;
