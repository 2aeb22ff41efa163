//! Orphans: processes whose parent has ended and that the kernel has handed to us.
//!
//! Looking and reaping are apart, so that the caller can tell a service from an orphan before its
//! pid is free to be used again.

use std::io;

use libc::pid_t;
use nix::sys::prctl;

use crate::pidfd::{ProcessEnd, waitid};

/// A child that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its pid; another process may have it once this one is reaped.
    pub pid: pid_t,
    /// How it ended.
    pub exit: ProcessEnd,
}

/// Makes this process the parent of every orphan among its descendants.
///
/// # Errors
/// What the kernel says; it has no reason to refuse.
pub fn become_subreaper() -> io::Result<()> {
    Ok(prctl::set_child_subreaper(true)?)
}

/// A child that has ended, left as it is; `None` where no child has. Never blocks.
///
/// The same one is given until it is reaped, so whatever is found must be reaped, be it here or
/// through its pidfd, before another is seen.
///
/// # Errors
/// What the kernel says. To have no child at all is no error.
pub fn peek() -> io::Result<Option<Ended>> {
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    match waitid(libc::P_ALL, 0, flags) {
        Ok(ended) => Ok(ended.map(|(pid, exit)| Ended { pid, exit })),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reaps this child if it has ended; `None` while it runs. Never blocks.
///
/// # Errors
/// `ECHILD` where it is not our child, or was reaped before; `EINVAL` where it is no pid.
pub fn reap(pid: pid_t) -> io::Result<Option<ProcessEnd>> {
    let id = libc::id_t::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let ended = waitid(libc::P_PID, id, libc::WEXITED | libc::WNOHANG)?;
    Ok(ended.map(|(_, exit)| exit))
}
