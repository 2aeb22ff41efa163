//! What a set-up that was killed has left running.
//!
//! Its own children die with it, but theirs do not: pip goes on writing into a folder that the
//! next set-up wants to remove. Each carries a mark in its environment, and is ended by it.

use std::{
    fs,
    os::{fd::AsFd as _, unix::ffi::OsStrExt as _},
    path::Path,
    time::Duration,
};

use nix::sys::signal::Signal;
use sys::pidfd::PidFd;

use super::{command::wait_for, error::SetupError, progress::now};

/// The variable that marks what set-up runs; its value is the state's folder.
pub(super) const MARK: &str = "AI_GATEWAY_SETUP";

/// After SIGKILL, only a process that hangs in the kernel takes longer.
const GONE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// Ends them all. Only under the lock of set-up: then nobody can be at work on this state.
pub(super) fn end(state: &Path) -> Result<(), SetupError> {
    let io = |e| SetupError::io("look for processes in", Path::new("/proc"))(e);
    let mut mark = format!("{MARK}=").into_bytes();
    mark.extend_from_slice(state.as_os_str().as_bytes());
    for entry in fs::read_dir("/proc").map_err(io)?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // The handle first, then the look: the number cannot pass to another in between.
        let Ok(process) = PidFd::open(pid) else {
            continue;
        };
        // Of other users' processes nothing can be read, and they are none of ours.
        let variables = fs::read(entry.path().join("environ")).unwrap_or_default();
        if variables
            .split(|byte| *byte == 0)
            .any(|variable| variable == mark)
        {
            kill(&process)?;
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

    #[test]
    fn only_what_carries_the_mark_of_this_state_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        // Ends by itself when its input does, should the test fail.
        let start = |state: &Path| {
            let mut cat = Command::new("cat");
            cat.env(MARK, state).stdin(Stdio::piped()).spawn().unwrap()
        };
        let mut ours = start(dir.path());
        let mut others = start(&dir.path().join("other"));
        end(dir.path()).unwrap();
        assert_eq!(ours.wait().unwrap().signal(), Some(9));
        drop(others.stdin.take());
        assert_eq!(others.wait().unwrap().code(), Some(0), "it ended by itself");
    }
}
