//! How many files the gateway may have open at a time, connections included.
//!
//! The daemon raises its own limit and its services' to the hard limit, up to 65,536, and a service may plan its
//! connections by it. A low hard limit it cannot raise: then requests fail when there are many of them, and
//! services say so only in words of their own.
//!
//! Callers: the daemon raises its own limit and says once when it begins that it is too low, the executor gives
//! each service [`limits`], the plan hands it to the services, and `status` and `doctor` tell it whenever they
//! are asked.

use std::{fs, path::Path};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::lock::Holder;

/// Fewer than this is worth a word: the services have 300 to 500 open when nobody asks anything,
/// and each request takes two to four more.
pub const ENOUGH: u64 = 4096;

/// So many open files are enough for any of these services, and few enough that a program which
/// closes them all one by one does not take a second for it.
const OPEN_FILES: u64 = 65_536;

/// How many files a service may have open, and how many it could allow itself: as many as we may
/// have, up to a sensible number.
pub fn limits() -> Option<(u64, u64)> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    Some((hard.min(OPEN_FILES), hard))
}

/// As many for ourselves: the usual soft limit of 1,024 is used up by two hundred services.
///
/// # Errors
/// The kernel says no.
pub fn raise() -> nix::Result<()> {
    match limits() {
        Some((soft, hard)) => setrlimit(Resource::RLIMIT_NOFILE, soft, hard),
        None => Ok(()),
    }
}

/// The hard limit of the daemon that runs on this state, or of this process where there is none.
/// `None` if the kernel does not tell.
pub fn of_gateway(state: &Path) -> Option<u64> {
    match Holder::find(state) {
        Some(daemon) => parse(&fs::read_to_string(format!("/proc/{}/limits", daemon.pid)).ok()?),
        None => limits().map(|(_, hard)| hard),
    }
}

/// What is wrong with so few. `None` if they are enough.
pub fn lack(most: u64) -> Option<String> {
    (most < ENOUGH).then(|| {
        format!(
            "each process may have only {most} files and connections open (of {ENOUGH} or more)"
        )
    })
}

/// The hard limit in a file as /proc/PID/limits (proc_pid_limits(5)).
fn parse(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().nth(1)? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_read_by_its_column() {
        let limits = "\
Limit                     Soft Limit           Hard Limit           Units
Max processes             95879                95880                processes
Max open files            1024                 128                  files
";
        assert_eq!(parse(limits), Some(128));
        let unlimited = limits.replace("128 ", "unlimited ");
        assert_eq!(parse(&unlimited), Some(u64::MAX));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn few_are_told_and_enough_are_not() {
        assert!(lack(128).is_some_and(|text| text.contains("only 128 files")));
        assert_eq!(lack(ENOUGH), None);
    }

    #[test]
    fn without_a_daemon_it_is_the_limit_of_whoever_asks() {
        let folder = tempfile::tempdir().unwrap();
        let own = parse(&fs::read_to_string("/proc/self/limits").unwrap());
        assert_eq!(of_gateway(folder.path()), own);
    }
}
