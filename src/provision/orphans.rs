//! Orphans: what a set-up that was killed has left running.
//!
//! Its own children die with it, but theirs do not: pip goes on writing into a folder that the
//! next set-up wants to remove. Each carries a mark in its environment, and is ended by it.

use std::{os::fd::AsFd as _, path::Path, time::Duration};

use nix::sys::signal::Signal;
use sys::pidfd::PidFd;

use super::{command::wait_for, error::SetupError, progress::now};
use crate::identity::{self, Owner};

/// After SIGKILL, only a process that hangs in the kernel takes longer.
const GONE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// Ends all of them. The caller has the lock of set-up, so nobody else can be at work on this state.
pub(crate) fn end(state: &Path) -> Result<(), SetupError> {
    let found = identity::find(state)
        .map_err(|e| SetupError::io("look for processes of", state)(std::io::Error::other(e)))?;
    for handle in found {
        if handle.process.owner == Owner::SetUp {
            kill(&handle.pidfd)?;
        }
    }
    Ok(())
}

fn kill(process: &PidFd) -> Result<(), SetupError> {
    // It may have ended by itself.
    let _killed = process.send_signal(Signal::SIGKILL as i32);
    let began = now();
    // Its handle is ready once it has ended, whether or not anybody has asked for how.
    while began.elapsed() < GONE {
        let ended = wait_for(&[process.as_fd()], LOOK);
        if ended.map_err(|e| SetupError::io("wait for", Path::new("a process"))(e.into()))? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::ExitStatusExt as _,
        process::{Command, Stdio},
    };

    use super::*;
    use crate::identity::GatewayId;

    #[test]
    fn only_what_carries_the_mark_of_this_states_set_up_is_ended() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let id = |state: &Path| GatewayId::of(state).unwrap();
        // Ends by itself when its input does, should the test fail.
        let start = |mark: String| {
            let mut cat = Command::new("cat");
            cat.env(identity::VARIABLE, mark).stdin(Stdio::piped());
            cat.spawn().unwrap()
        };
        let mut ours = start(id(here.path()).mark_of_set_up());
        let mut spared = [
            start(id(there.path()).mark_of_set_up()),
            start(format!("{}/a-service/1", id(here.path()))),
        ];
        end(here.path()).unwrap();
        assert_eq!(ours.wait().unwrap().signal(), Some(9));
        for spared in &mut spared {
            drop(spared.stdin.take());
            assert_eq!(spared.wait().unwrap().code(), Some(0), "it ended by itself");
        }
    }
}
