//! What a daemon that was killed has left running, for 'stop': the next daemon would end it, but
//! there may be none, and set-up cannot touch a database that is in use.

use std::{fs::File, os::fd::AsFd as _, path::PathBuf};

use nix::{
    fcntl::{Flock, FlockArg},
    libc::{SIGKILL, SIGTERM, pid_t},
};
use sys::{pidfd::PidFd, proc};

use super::{
    context::Context,
    failure::{Exit, Failure},
    wait::wait_for,
};

/// From SIGTERM to SIGKILL.
const PATIENCE_MS: u16 = 10_000;

/// What was killed may have made another one just before.
const ROUNDS: usize = 5;

/// Ends it, and returns how many processes that were.
pub(super) fn end(context: &Context) -> Result<usize, Failure> {
    if set_up_runs(context) {
        return Ok(0);
    }
    let mut count = 0;
    for _ in 0..ROUNDS {
        let left = find(context)?;
        if left.is_empty() {
            break;
        }
        count += left.len();
        for process in &left {
            // It may have ended by itself.
            let _gone = process.send_signal(SIGTERM);
        }
        let mut patience = PATIENCE_MS;
        for process in &left {
            if !wait_for(&[process.as_fd()], Some(patience))?[0] {
                let _gone = process.send_signal(SIGKILL);
                patience = 0;
            }
        }
    }
    Ok(count)
}

/// Set-up has a database of its own at work, and holds this lock.
fn set_up_runs(context: &Context) -> bool {
    let lock = File::open(context.paths.state.join("setup.lock"));
    let free = lock.map(|file| Flock::lock(file, FlockArg::LockSharedNonblock).is_ok());
    free.is_ok_and(|free| !free)
}

/// Our services work in folders that are theirs alone.
fn find(context: &Context) -> Result<Vec<PidFd>, Failure> {
    let (services, database) = (
        context.paths.state.join("services"),
        context.paths.postgres_data(),
    );
    let own = |cwd: PathBuf| cwd == database || cwd.parent() == Some(&services);
    let ours = |pid: pid_t| proc::cwd(pid).is_ok_and(own);
    let all = proc::all().map_err(|error| Failure::of(Exit::Failed, &error))?;
    let left = all
        .into_iter()
        .filter(|process| !process.zombie && ours(process.pid));
    Ok(left
        .filter_map(|process| PidFd::open(process.pid).ok().map(|fd| (process.pid, fd)))
        // The number may have changed hands before the handle was taken.
        .filter(|(pid, _)| ours(*pid))
        .map(|(_, fd)| fd)
        .collect())
}
