//! What is read from a cgroup.

use libc::pid_t;

use super::{Cgroup, CgroupError};

/// How often memory ran short since the cgroup was made. If the kernel does not keep a count, it is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryEvents {
    /// Memory was reclaimed although less than `memory.low` was in use.
    pub low: u64,
    /// Processes were slowed down because `memory.high` was exceeded.
    pub high: u64,
    /// The limit `memory.max` was reached.
    pub max: u64,
    /// Nothing could be reclaimed: the cgroup was out of memory.
    pub oom: u64,
    /// Processes that were killed for that.
    pub oom_kill: u64,
    /// How often all processes were killed together.
    pub oom_group_kill: u64,
}

/// The parts of the memory that the kernel can take back by itself, in bytes. If it does not keep a count,
/// it is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryStat {
    /// Pages of files that were used more than once recently.
    pub active_file: u64,
    /// Other pages of files.
    pub inactive_file: u64,
    /// The kernel's own caches that it can shrink.
    pub slab_reclaimable: u64,
}

/// How long memory was short, in microseconds since the cgroup was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryPressure {
    /// The time during which some task waited for memory.
    pub some_usec: u64,
    /// The time during which all tasks waited for memory.
    pub full_usec: u64,
}

/// Processor time, in microseconds. If the kernel does not keep a count, it is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuStat {
    /// The total.
    pub usage_usec: u64,
    /// The part that was spent in programs.
    pub user_usec: u64,
    /// The part that was spent in the kernel.
    pub system_usec: u64,
    /// Periods of `cpu.max` that have passed.
    pub nr_periods: u64,
    /// Periods in which the quota was used up.
    pub nr_throttled: u64,
    /// Time spent waiting for the next period.
    pub throttled_usec: u64,
}

impl Cgroup {
    /// Bytes in use now.
    ///
    /// # Errors
    /// Names the file that cannot be read, as do all below.
    pub fn memory_current(&self) -> Result<u64, CgroupError> {
        self.number("memory.current")
    }

    /// The most bytes that were ever in use; `None` on kernels before 5.19.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn memory_peak(&self) -> Result<Option<u64>, CgroupError> {
        match self.number("memory.peak") {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.errno() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The limit at which the kernel kills. `None` for no limit.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn memory_max(&self) -> Result<Option<u64>, CgroupError> {
        self.limit("memory.max")
    }

    /// The limit at which processes are slowed down. `None` for no limit.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn memory_high(&self) -> Result<Option<u64>, CgroupError> {
        self.limit("memory.high")
    }

    /// How often memory ran short.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn memory_events(&self) -> Result<MemoryEvents, CgroupError> {
        let text = self.read("memory.events")?;
        let count = |key| keyed(&text, key).unwrap_or_default();
        Ok(MemoryEvents {
            low: count("low"),
            high: count("high"),
            max: count("max"),
            oom: count("oom"),
            oom_kill: count("oom_kill"),
            oom_group_kill: count("oom_group_kill"),
        })
    }

    /// What its memory is made of.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn memory_stat(&self) -> Result<MemoryStat, CgroupError> {
        let text = self.read("memory.stat")?;
        let count = |key| keyed(&text, key).unwrap_or_default();
        Ok(MemoryStat {
            active_file: count("active_file"),
            inactive_file: count("inactive_file"),
            slab_reclaimable: count("slab_reclaimable"),
        })
    }

    /// How long memory was short. `None` if the kernel does not count it: without `CONFIG_PSI`, or if it
    /// was not enabled at boot, there is no file or reading it fails.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn memory_pressure(&self) -> Result<Option<MemoryPressure>, CgroupError> {
        let text = match self.read("memory.pressure") {
            Err(error) if matches!(error.errno(), Some(libc::ENOENT | libc::EOPNOTSUPP)) => {
                return Ok(None);
            }
            read => read?,
        };
        Ok(Some(MemoryPressure {
            some_usec: total(&text, "some").unwrap_or_default(),
            full_usec: total(&text, "full").unwrap_or_default(),
        }))
    }

    /// Processor time that was used.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn cpu_stat(&self) -> Result<CpuStat, CgroupError> {
        let text = self.read("cpu.stat")?;
        let count = |key| keyed(&text, key).unwrap_or_default();
        Ok(CpuStat {
            usage_usec: count("usage_usec"),
            user_usec: count("user_usec"),
            system_usec: count("system_usec"),
            nr_periods: count("nr_periods"),
            nr_throttled: count("nr_throttled"),
            throttled_usec: count("throttled_usec"),
        })
    }

    /// Whether there is a process in it or in a cgroup below it.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn populated(&self) -> Result<bool, CgroupError> {
        let text = self.read("cgroup.events")?;
        keyed(&text, "populated")
            .map(|flag| flag != 0)
            .ok_or_else(|| self.malformed("cgroup.events", text))
    }

    /// The controllers that may be enabled for children.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn controllers(&self) -> Result<Vec<String>, CgroupError> {
        let text = self.read("cgroup.controllers")?;
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }

    /// The processes in it, without those in cgroups below it. A process of another pid namespace appears
    /// as zero.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn processes(&self) -> Result<Vec<pid_t>, CgroupError> {
        let text = self.read("cgroup.procs")?;
        let pids: Result<_, _> = text.split_whitespace().map(str::parse).collect();
        pids.map_err(|_| self.malformed("cgroup.procs", text))
    }

    fn number(&self, name: &str) -> Result<u64, CgroupError> {
        let text = self.read(name)?;
        text.trim_end()
            .parse()
            .map_err(|_| self.malformed(name, text))
    }

    fn limit(&self, name: &str) -> Result<Option<u64>, CgroupError> {
        let text = self.read(name)?;
        match text.trim_end() {
            "max" => Ok(None),
            number => number
                .parse()
                .map(Some)
                .map_err(|_| self.malformed(name, text)),
        }
    }

    fn malformed(&self, name: &str, text: String) -> CgroupError {
        CgroupError::Malformed {
            path: self.path.join(name),
            text,
        }
    }
}

/// The total of one line of a pressure file (the kernel's `accounting/psi.rst`):
/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`.
fn total(text: &str, kind: &str) -> Option<u64> {
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))?;
    let mut words = line.split(' ');
    words.find_map(|word| word.strip_prefix("total=")?.parse().ok())
}

/// The number after this word at the start of a line.
pub(super) fn keyed(text: &str, key: &str) -> Option<u64> {
    let value = |line: &str| line.strip_prefix(key)?.strip_prefix(' ')?.parse().ok();
    text.lines().find_map(value)
}
