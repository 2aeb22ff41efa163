//! What /proc says of a process.
//!
//! A pid read here is a hint: the process may end and its number be used again at any time. Take
//! a pidfd, and look at `Stat::started` again, before acting on one.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use libc::pid_t;

/// A process that could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ProcError {
    /// It has ended, or is hidden from us.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The kernel wrote something else than it documents.
    #[error("cannot make sense of {}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

impl ProcError {
    /// Whether there is no such process any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        match self {
            // ESRCH is what a read says when the process ends between open and read.
            Self::Io { source, .. } => {
                matches!(source.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
            }
            Self::Malformed { .. } => false,
        }
    }
}

/// Who a process is and where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Its number.
    pub pid: pid_t,
    /// The number of its parent; 0 for one outside of our pid namespace.
    pub parent: pid_t,
    /// Its process group.
    pub group: pid_t,
    /// Its session.
    pub session: pid_t,
    /// When it was started, in clock ticks since boot: tells it from another with its number.
    pub started: u64,
    /// Processor time of it and of the children that it has reaped, in clock ticks.
    pub cpu_ticks: u64,
    /// Whether it has ended and only waits to be reaped.
    pub zombie: bool,
    /// Whether a signal has stopped it (SIGSTOP), or a debugger.
    pub stopped: bool,
    /// Whether its main thread runs, waits for a processor, or waits for a disk.
    pub busy: bool,
}

/// The time of so many clock ticks.
#[must_use]
pub fn ticks(ticks: u64) -> Duration {
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)
        .ok()
        .flatten();
    // It has been 100 on all machines for thirty years.
    let per_second = per_second
        .and_then(|n| u64::try_from(n).ok())
        .unwrap_or(100)
        .max(1);
    Duration::from_millis(ticks.saturating_mul(1000) / per_second)
}

/// Reads who a process is.
///
/// # Errors
/// Where there is no such process.
pub fn stat(pid: pid_t) -> Result<Stat, ProcError> {
    let path = file(pid, "stat");
    let text = read(&path)?;
    parse_stat(&text).ok_or(ProcError::Malformed { path })
}

/// The working directory of a process.
///
/// # Errors
/// Where there is no such process, or it is another user's.
pub fn cwd(pid: pid_t) -> Result<PathBuf, ProcError> {
    let path = file(pid, "cwd");
    fs::read_link(&path).map_err(|source| ProcError::Io { path, source })
}

/// The value of a variable in the environment that a process was started with. `None` if it has no such
/// variable. A process may write over its environment: PostgreSQL and nginx do, for their titles.
///
/// # Errors
/// Where there is no such process, or it is another user's.
pub fn variable(pid: pid_t, name: &str) -> Result<Option<Vec<u8>>, ProcError> {
    let path = file(pid, "environ");
    let environment = fs::read(&path).map_err(|source| ProcError::Io { path, source })?;
    Ok(environment.split(|byte| *byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(name.as_bytes())?;
        value.strip_prefix(b"=").map(<[u8]>::to_vec)
    }))
}

/// The path of a process's cgroup in the unified hierarchy, as our cgroup namespace shows it.
/// `None` if there is no such hierarchy.
///
/// # Errors
/// Where there is no such process.
pub fn cgroup(pid: pid_t) -> Result<Option<String>, ProcError> {
    let text = read(&file(pid, "cgroup"))?;
    let mut lines = text.lines();
    Ok(lines.find_map(|line| line.strip_prefix("0::").map(str::to_owned)))
}

/// The name of the program that a process runs, as `comm` has it.
///
/// # Errors
/// Where there is no such process.
pub fn name(pid: pid_t) -> Result<String, ProcError> {
    Ok(read(&file(pid, "comm"))?.trim_end().to_owned())
}

/// What numbers of processes mean: they are the same ones for as long as this text is the same. It
/// names the boot of the machine and our pid namespace.
///
/// # Errors
/// Where /proc cannot be read.
pub fn numbering() -> Result<String, ProcError> {
    let boot = read(Path::new("/proc/sys/kernel/random/boot_id"))?;
    let path = PathBuf::from("/proc/self/ns/pid");
    match fs::read_link(&path) {
        Ok(namespace) => Ok(format!("{} {}", boot.trim(), namespace.display())),
        Err(source) => Err(ProcError::Io { path, source }),
    }
}

/// The proportional set size of a process in bytes: its own memory and its part of what it shares.
///
/// # Errors
/// Where there is no such process, or it is another user's.
pub fn pss(pid: pid_t) -> Result<u64, ProcError> {
    let path = file(pid, "smaps_rollup");
    let text = read(&path)?;
    parse_pss(&text).ok_or(ProcError::Malformed { path })
}

/// All processes that are there, as they are found; not one moment's picture.
///
/// By /proc itself, as `children` of each thread is not in every kernel.
///
/// # Errors
/// Where /proc cannot be listed. A process that ends meanwhile is left out.
pub fn all() -> Result<Vec<Stat>, ProcError> {
    let path = PathBuf::from(ROOT);
    let failed = |source| ProcError::Io {
        path: path.clone(),
        source,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(&path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        match stat(pid) {
            Ok(stat) => found.push(stat),
            Err(error) if error.is_gone() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The children of a process.
///
/// # Errors
/// Where /proc cannot be listed.
pub fn children(pid: pid_t) -> Result<Vec<pid_t>, ProcError> {
    let of_pid = all()?.into_iter().filter(|stat| stat.parent == pid);
    Ok(of_pid.map(|stat| stat.pid).collect())
}

/// The children of a process, theirs and so on, parents first. One that is not `wanted` is left out
/// with everything below it.
///
/// By the kernel's own lists where it was built with them (`CONFIG_PROC_CHILDREN`): they cost as
/// much as there are descendants to be looked at, and not as much as there are processes.
///
/// # Errors
/// Where /proc cannot be listed.
pub fn descendants(pid: pid_t, wanted: impl Fn(pid_t) -> bool) -> Result<Vec<pid_t>, ProcError> {
    if Path::new("/proc/thread-self/children").exists() {
        Ok(below(pid, listed_children, wanted))
    } else {
        let mut children: HashMap<pid_t, Vec<pid_t>> = HashMap::new();
        for stat in all()? {
            children.entry(stat.parent).or_default().push(stat.pid);
        }
        let of = |parent| children.remove(&parent).unwrap_or_default();
        Ok(below(pid, of, wanted))
    }
}

fn below(
    ancestor: pid_t,
    mut children: impl FnMut(pid_t) -> Vec<pid_t>,
    wanted: impl Fn(pid_t) -> bool,
) -> Vec<pid_t> {
    // Numbers may be used again while we look, so what we saw may even be a circle.
    let mut seen = HashSet::from([ancestor]);
    let mut found = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        for child in children(parent) {
            if wanted(child) && seen.insert(child) {
                found.push(child);
                parents.push(child);
            }
        }
    }
    found
}

/// Of each of its threads. What has ended meanwhile has no children any more: they were handed on.
fn listed_children(pid: pid_t) -> Vec<pid_t> {
    let threads = fs::read_dir(file(pid, "task")).into_iter().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
            pids.collect::<Vec<pid_t>>()
        })
        .collect()
}

/// The name of the program is in brackets and may hold spaces and brackets: begin after the last.
fn parse_stat(text: &str) -> Option<Stat> {
    let (pid, _) = text.split_once(' ')?;
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |n: usize| fields.get(n)?.parse().ok();
    Some(Stat {
        pid: pid.parse().ok()?,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        started: fields.get(19)?.parse().ok()?,
        cpu_ticks: (11..15)
            .map(|n| fields.get(n)?.parse::<u64>().ok())
            .sum::<Option<u64>>()?,
        zombie: matches!(fields.first()?, &"Z" | &"X"),
        stopped: matches!(fields.first()?, &"T" | &"t"),
        busy: matches!(fields.first()?, &"R" | &"D"),
    })
}

fn parse_pss(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim_end().parse().ok()?;
    kilobytes.checked_mul(1024)
}

const ROOT: &str = "/proc";

fn file(pid: pid_t, name: &str) -> PathBuf {
    Path::new(ROOT).join(pid.to_string()).join(name)
}

/// The name of a program need not be UTF-8.
fn read(path: &Path) -> Result<String, ProcError> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(source) => Err(ProcError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_mislead() {
        let text = "7 (a) R 1 (b) S 3 4 5 0 -1 4 0 0 0 0 1 2 3 4 20 0 1 0 99 0 0\n";
        let stat = Stat {
            pid: 7,
            parent: 3,
            group: 4,
            session: 5,
            started: 99,
            cpu_ticks: 10,
            zombie: false,
            stopped: false,
            busy: false,
        };
        assert_eq!(parse_stat(text), Some(stat));
        let stopped = parse_stat(&text.replace(") S ", ") T ")).unwrap();
        assert!(stopped.stopped && !stopped.busy);
        assert!(parse_stat(&text.replace(") S ", ") D ")).unwrap().busy);
    }

    #[test]
    fn a_stat_cut_short_is_none() {
        assert_eq!(parse_stat("7 (a) S 3 4"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn pss_is_in_bytes() {
        let text = "0-1 ---p 0 00:00 0 [rollup]\nRss: 9 kB\nPss:        341 kB\nPss_Anon: 1 kB\n";
        assert_eq!(parse_pss(text), Some(341 * 1024));
    }

    /// The children that each process has, as pairs of child and parent.
    fn of(pairs: &[(pid_t, pid_t)]) -> impl FnMut(pid_t) -> Vec<pid_t> {
        move |parent| {
            let of_it = pairs.iter().filter(|pair| pair.1 == parent);
            of_it.map(|pair| pair.0).collect()
        }
    }

    #[test]
    fn descendants_come_after_their_parents() {
        let pairs = [(4, 3), (3, 2), (2, 1), (9, 8)];
        assert_eq!(below(2, of(&pairs), |_| true), [3, 4]);
        assert_eq!(below(4, of(&pairs), |_| true), []);
    }

    #[test]
    fn what_is_not_wanted_is_left_out_with_its_own() {
        let pairs = [(2, 1), (3, 1), (4, 2), (5, 3)];
        assert_eq!(below(1, of(&pairs), |pid| pid != 2), [3, 5]);
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let pairs = [(2, 3), (3, 2)];
        assert_eq!(below(2, of(&pairs), |_| true), [3]);
    }

    #[test]
    fn both_ways_find_the_same_descendants() {
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", "sleep 60 & wait"])
            .process_group(0)
            .spawn()
            .unwrap();
        let own = pid_t::try_from(std::process::id()).unwrap();
        let shell = pid_t::try_from(child.id()).unwrap();
        // The shell forks when it comes to it.
        let sleeps = loop {
            let found = below(shell, listed_children, |_| true);
            if !found.is_empty() {
                break found;
            }
            std::thread::yield_now();
        };
        let all = all().unwrap();
        let pairs: Vec<_> = all.iter().map(|stat| (stat.pid, stat.parent)).collect();
        assert_eq!(below(shell, of(&pairs), |_| true), sleeps);
        let ours = below(own, listed_children, |_| true);
        assert!(ours.contains(&shell) && ours.contains(&sleeps[0]));
        nix::sys::signal::killpg(nix::unistd::Pid::from_raw(shell), nix::sys::signal::SIGKILL)
            .unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_variable_is_found_by_its_whole_name() {
        let mut child = std::process::Command::new("/bin/cat")
            .env("AI_GATEWAY_A", "left")
            .env("AI_GATEWAY_AB", "right=2")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = pid_t::try_from(child.id()).unwrap();
        // While the kernel is at the execve(2) there is none yet.
        let left = loop {
            match variable(pid, "AI_GATEWAY_A").unwrap() {
                Some(value) => break value,
                None => std::thread::yield_now(),
            }
        };
        assert_eq!(left, b"left");
        assert_eq!(variable(pid, "AI_GATEWAY_AB").unwrap().unwrap(), b"right=2");
        assert_eq!(variable(pid, "AI_GATEWAY").unwrap(), None);
        assert_eq!(name(pid).unwrap(), "cat");
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn numbers_mean_the_same_until_the_next_boot() {
        let numbering = numbering().unwrap();
        assert!(numbering.contains("pid:["), "{numbering}");
        assert_eq!(numbering, super::numbering().unwrap());
    }

    #[test]
    fn a_process_that_is_not_there_is_gone() {
        assert!(stat(pid_t::MAX).unwrap_err().is_gone());
    }

    #[test]
    fn we_are_found_by_our_own_number() {
        let own = pid_t::try_from(std::process::id()).unwrap();
        let stat = stat(own).unwrap();
        assert_eq!(stat.parent, nix::unistd::getppid().as_raw());
        assert_eq!(stat.group, nix::unistd::getpgrp().as_raw());
        assert_eq!(cwd(own).unwrap(), std::env::current_dir().unwrap());
        assert!(pss(own).unwrap() > 0);
    }
}
