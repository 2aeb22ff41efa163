//! One daemon for each gateway: the process that holds the lock file is the daemon.
//!
//! The file lies in the state folder, because two daemons must never share that. The folder of sockets
//! would not do, since it may be emptied under a running daemon: logind does that when a user logs out. The
//! kernel releases the lock when the process ends, however it ends. The file says who holds the lock: the
//! process's number, when it was started, and whether it listens at the control socket already.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt as _, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};
use sys::{pidfd::PidFd, proc};

use crate::fs::regular;

/// The word after the holder's number and start which says that the daemon can be asked.
const LISTENS: &str = "listens";

/// The lock. It is held until this value is dropped.
#[derive(Debug)]
pub struct DaemonLock {
    file: Flock<File>,
    path: PathBuf,
}

/// Who holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: i32,
    /// When it was started, in clock ticks since boot.
    started: u64,
    /// Whether it listens at the control socket; if not, it has only begun.
    pub listens: bool,
}

/// Why this process cannot be the daemon.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process is the daemon.
    #[error(
        "this gateway runs already{}: 'ai-gateway status' shows it, 'ai-gateway stop' stops it",
        holder.map(|holder| format!(" (process {})", holder.pid)).unwrap_or_default()
    )]
    Held {
        /// The other process, if the file names it.
        holder: Option<Holder>,
    },
    /// The file or its folder cannot be made.
    #[error("cannot lock {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

impl DaemonLock {
    /// Takes the lock in the state folder, which is made if it is missing.
    ///
    /// # Errors
    /// Another process holds it, or the file cannot be made.
    pub fn take(state: &Path) -> Result<Self, LockError> {
        let path = path(state);
        let failed = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(state)
            .map_err(failed)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let file = regular::open_as(&path, &mut options).map_err(failed)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => {
                let lock = Self {
                    file,
                    path: path.clone(),
                };
                // The file still has the text of the last holder.
                lock.file.set_len(0).map_err(failed)?;
                lock.say("").map_err(failed)?;
                Ok(lock)
            }
            Err((_, Errno::EWOULDBLOCK)) => Err(LockError::Held {
                holder: Holder::find(state),
            }),
            Err((_, errno)) => Err(failed(errno.into())),
        }
    }

    /// Writes down that the daemon can be asked at the control socket from now on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn listens(&self) -> Result<(), LockError> {
        self.say(LISTENS).map_err(|source| LockError::Io {
            path: self.path.clone(),
            source,
        })
    }

    fn say(&self, what: &str) -> io::Result<()> {
        let own = nix::unistd::getpid().as_raw();
        let started = proc::stat(own).map_err(io::Error::other)?.started;
        // The text is written over the old one, which is the beginning of the new one, so that the file
        // names the holder at any time.
        let text = format!("{own} {started} {what}");
        self.file.write_all_at(text.as_bytes(), 0)
    }
}

impl Holder {
    /// The daemon of this state folder. `None` if there is none.
    ///
    /// This reads what the holder has written and does not try the lock: to try it means to hold it for a
    /// moment, and a daemon that starts in that moment would fail.
    pub fn find(state: &Path) -> Option<Self> {
        let text = regular::text(&path(state)).ok()?;
        let mut words = text.split_whitespace();
        let holder = Self {
            pid: words.next()?.parse().ok()?,
            started: words.next()?.parse().ok()?,
            listens: words.next() == Some(LISTENS),
        };
        holder.is_there().then_some(holder)
    }

    fn is_there(&self) -> bool {
        proc::stat(self.pid).is_ok_and(|stat| !stat.zombie && stat.started == self.started)
    }

    /// A handle on exactly this process. `None` if it has ended.
    pub fn open(&self) -> Option<PidFd> {
        let pidfd = PidFd::open(self.pid).ok()?;
        // Another process may have got the number before the handle was made, but not after that.
        self.is_there().then_some(pidfd)
    }
}

fn path(state: &Path) -> PathBuf {
    state.join("daemon.lock")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fs::regular::tests::{at_once, pipe_at};

    #[test]
    fn the_second_is_told_who_is_the_first() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state");
        assert_eq!(Holder::find(&state), None);
        let held = DaemonLock::take(&state).unwrap();
        let error = DaemonLock::take(&state).unwrap_err();
        let pid = std::process::id();
        let wanted = format!(
            "this gateway runs already (process {pid}): \
             'ai-gateway status' shows it, 'ai-gateway stop' stops it"
        );
        assert_eq!(error.to_string(), wanted);
        assert!(!Holder::find(&state).unwrap().listens);
        held.listens().unwrap();
        let holder = Holder::find(&state).unwrap();
        assert!(holder.listens && holder.open().is_some());
        drop(held);
        DaemonLock::take(&state).unwrap();
    }

    #[test]
    fn a_number_that_was_given_to_another_holds_nothing() {
        let state = tempfile::tempdir().unwrap();
        let own = nix::unistd::getpid().as_raw();
        for text in [&format!("{own} 1 listens"), "", "x", &format!("{own}")] {
            fs::write(path(state.path()), text).unwrap();
            assert_eq!(Holder::find(state.path()), None, "{text}");
        }
    }

    #[test]
    fn a_pipe_in_the_place_of_the_lock_is_an_error_and_not_a_wait() {
        let state = tempfile::tempdir().unwrap();
        pipe_at(&path(state.path()));
        let folder = state.path().to_owned();
        assert!(at_once(move || DaemonLock::take(&folder).map(drop)).is_err());
    }
}
