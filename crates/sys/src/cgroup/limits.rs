//! What is written to a cgroup. A limit of `None` is the kernel's "max": no limit.

use libc::pid_t;

use super::{Cgroup, CgroupError};

/// How much processor time: so many microseconds in every period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuMax {
    /// Microseconds of processor time in each period, or no limit.
    pub quota_usec: Option<u64>,
    /// The length of the period in microseconds.
    pub period_usec: u64,
}

impl Cgroup {
    /// The bytes beyond which a process is killed.
    ///
    /// # Errors
    /// Names the file and the value that was refused, as do all below.
    pub fn set_memory_max(&self, bytes: Option<u64>) -> Result<(), CgroupError> {
        self.write("memory.max", &or_max(bytes))
    }

    /// The bytes beyond which processes are slowed down and memory is reclaimed.
    ///
    /// # Errors
    /// Names the file and the value that was refused.
    pub fn set_memory_high(&self, bytes: Option<u64>) -> Result<(), CgroupError> {
        self.write("memory.high", &or_max(bytes))
    }

    /// Whether all processes are killed when one of them is.
    ///
    /// # Errors
    /// Names the file and the value that was refused.
    pub fn set_memory_oom_group(&self, together: bool) -> Result<(), CgroupError> {
        self.write("memory.oom.group", if together { "1" } else { "0" })
    }

    /// The share of the processors that may be used at most.
    ///
    /// # Errors
    /// Names the file and the value that was refused.
    pub fn set_cpu_max(&self, max: CpuMax) -> Result<(), CgroupError> {
        self.write(
            "cpu.max",
            &format!("{} {}", or_max(max.quota_usec), max.period_usec),
        )
    }

    /// The weight against siblings when processors are short: 1 to 10000, 100 by default.
    ///
    /// # Errors
    /// Names the file and the value that was refused.
    pub fn set_cpu_weight(&self, weight: u16) -> Result<(), CgroupError> {
        self.write("cpu.weight", &weight.to_string())
    }

    /// The weight against siblings when a disk is busy: 1 to 10000, 100 by default.
    ///
    /// # Errors
    /// Names the file and the value that was refused.
    pub fn set_io_weight(&self, weight: u16) -> Result<(), CgroupError> {
        self.write("io.weight", &format!("default {weight}"))
    }

    /// How many threads and processes there may be.
    ///
    /// # Errors
    /// Names the file and the value that was refused.
    pub fn set_pids_max(&self, tasks: Option<u64>) -> Result<(), CgroupError> {
        self.write("pids.max", &or_max(tasks))
    }

    /// Enables controllers for the children, all or none.
    ///
    /// # Errors
    /// `ENOENT` where one is not available here, `EBUSY` where a process is in this cgroup itself.
    pub fn enable_controllers(&self, controllers: &[&str]) -> Result<(), CgroupError> {
        let enable: Vec<_> = controllers.iter().map(|name| format!("+{name}")).collect();
        // Some kernels refuse an empty write, and there is nothing to do anyway.
        if enable.is_empty() {
            return Ok(());
        }
        self.write("cgroup.subtree_control", &enable.join(" "))
    }

    /// Moves a process into it; 0 stands for the calling process.
    ///
    /// # Errors
    /// Names the file and the value that was refused.
    pub fn add_process(&self, pid: pid_t) -> Result<(), CgroupError> {
        self.write("cgroup.procs", &pid.to_string())
    }

    /// Kills every process in it and in cgroups below it, including those that are being started.
    ///
    /// # Errors
    /// `ENOENT` on kernels before 5.14, `EOPNOTSUPP` in a threaded cgroup.
    pub fn kill(&self) -> Result<(), CgroupError> {
        self.write("cgroup.kill", "1")
    }
}

fn or_max(value: Option<u64>) -> String {
    value.map_or_else(|| "max".to_owned(), |value| value.to_string())
}
