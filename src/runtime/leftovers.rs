//! What a daemon that was killed has left running.
//!
//! Such processes have no parent who would tell of their end, and hold the ports, sockets and the
//! database that ours need. They are found by the folder in which they work, which belongs to one
//! service of this gateway alone.

use std::{collections::HashSet, io, path::PathBuf};

use nix::{libc::pid_t, unistd::getpid};
use sys::{pidfd::PidFd, proc};

use crate::stack::Stack;

/// Kills them, and waits until they are gone. They could not be stopped in order: what that needs
/// to know ended with the daemon that left them, and a database that is killed recovers.
///
/// # Errors
/// /proc cannot be read, or the kernel refuses a handle on one of them.
pub(super) fn kill(stack: &Stack) -> io::Result<()> {
    let folders: HashSet<&PathBuf> = stack.services.iter().map(|s| &s.command.cwd).collect();
    let own = getpid().as_raw();
    let left = |pid: pid_t| pid != own && proc::cwd(pid).is_ok_and(|cwd| folders.contains(&cwd));
    loop {
        let mut killed = Vec::new();
        for process in proc::all().map_err(io::Error::other)? {
            if process.zombie || !left(process.pid) {
                continue;
            }
            let Ok(handle) = PidFd::open(process.pid) else {
                continue;
            };
            // The number may have changed hands before the handle was taken.
            if left(process.pid) && handle.send_signal(nix::libc::SIGKILL).is_ok() {
                tracing::warn!("killed process {}, left by an earlier daemon", process.pid);
                killed.push(handle);
            }
        }
        if killed.is_empty() {
            return Ok(());
        }
        for handle in killed {
            handle.until_ended()?;
        }
    }
}
