//! The cgroups of the services: siblings below the cgroup that systemd delegated to us.
//!
//! We move ourselves into a leaf, `supervisor`, and put every service into a leaf of its own, since
//! a cgroup with controllers for its children may hold no process (systemd,
//! `docs/CGROUP_DELEGATION.md`). Attributes of the cgroup that we were given are never written.
//! Where nothing was delegated there are no limits, and [`Groups::state`] says why.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use nix::unistd::getpid;
use supervise::spec::{Limits, ServiceName};
use sys::cgroup::{Cgroup, CgroupError, CpuMax};

use crate::control::types::LimitsState;

/// The leaf that we live in.
pub const SUPERVISOR: &str = "supervisor";

/// Without these, a limit of a profile would not hold.
const NEEDED: [&str; 3] = ["memory", "cpu", "pids"];

/// With it, a busy disk is shared by weight; few user managers have it.
const WELCOME: &str = "io";

/// A period of `cpu.max` in microseconds: the kernel's default.
const PERIOD_USEC: u64 = 100_000;

/// What we were given.
#[derive(Debug)]
pub enum Groups {
    /// A cgroup to divide.
    Delegated {
        /// It.
        root: Cgroup,
        /// Its path from the root of the cgroup file system.
        path: PathBuf,
        /// Controllers that are missing for the limits.
        missing: Vec<&'static str>,
        /// The services that were given one so far: some may be no part of the gateway any more.
        given: BTreeSet<ServiceName>,
    },
    /// Nothing.
    None {
        /// Why, and what mends it.
        reason: String,
    },
}

impl Groups {
    /// Takes over the cgroup in which this process was started, if it is ours to divide.
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

    /// Whether the limits hold, for people and scripts.
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

    /// The path of the cgroup that is divided, from the root of the cgroup file system.
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

    /// The cgroup of a service with these limits in force, before any process is in it.
    ///
    /// # Errors
    /// The kernel refuses a cgroup or a limit.
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

    /// Removes the cgroups of all services, which have no process any more; those that something is
    /// still in, or that the kernel keeps, are its answer.
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

/// The child of this name, new where nothing is in it.
///
/// A process cannot be cloned into a cgroup that was killed once: since the kernel counts the kills
/// of a cgroup (`kill_seq`; 6.1.176 seen), it takes the count of the parent's cgroup for that of the
/// new one, finds them different and kills the child. In a new cgroup the count is zero again.
fn renewed(root: &Cgroup, name: &str) -> Result<Cgroup, CgroupError> {
    // It may be in use, or there for the first time; what matters is told by the next line.
    let _gone = root.remove_child(name);
    root.create_child(name)
}

/// Writes every limit whose controller is there; that one is missing was said once by
/// [`Groups::state`].
pub(super) fn enforce(group: &Cgroup, limits: &Limits) -> Result<(), CgroupError> {
    if group.has("memory.max") {
        // Max first: high above it would be of no use, even for a moment.
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

/// The kernel's default where nothing is asked for.
fn weight(asked: Option<u32>) -> u16 {
    let weight = asked.unwrap_or(100).clamp(1, 10_000);
    u16::try_from(weight).expect("10000 fits")
}

/// Where the unified hierarchy is mounted, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)):
/// the fifth field is the place, and the kind follows a dash.
fn unified_mount(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let unified = right.split(' ').next() == Some("cgroup2");
        unified.then(|| left.split(' ').nth(4).map(PathBuf::from))?
    })
}

/// The path of our cgroup from `/proc/self/cgroup` (cgroups(7)): the line of hierarchy 0. One
/// outside of our cgroup namespace begins with `/..` and is none.
fn own_path(cgroup: &str) -> Option<PathBuf> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    (!path.starts_with("/..")).then(|| path.into())
}

#[cfg(test)]
mod tests;
