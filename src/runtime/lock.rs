//! One daemon a gateway: whoever holds the lock file is it.
//!
//! The kernel gives the lock back when the process ends, however it ends.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

/// Held for as long as it lives.
#[derive(Debug)]
pub struct DaemonLock(#[expect(dead_code, reason = "held, not read")] Flock<File>);

/// Why this process is not the daemon.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another is.
    #[error(
        "this gateway runs already{}: `ai-gateway status` shows it",
        pid.as_ref().map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    Held {
        /// What it wrote into the file.
        pid: Option<String>,
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
    /// Takes the lock in the run folder, which is made if it is missing.
    ///
    /// # Errors
    /// Another process holds it, or the file cannot be made.
    pub fn take(run: &Path) -> Result<Self, LockError> {
        let path = run.join("daemon.lock");
        let failed = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(run)
            .map_err(failed)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut held) => {
                held.set_len(0).map_err(failed)?;
                write!(*held, "{}", std::process::id()).map_err(failed)?;
                Ok(Self(held))
            }
            Err((_, Errno::EWOULDBLOCK)) => Err(LockError::Held {
                pid: fs::read_to_string(&path).ok().filter(|pid| !pid.is_empty()),
            }),
            Err((_, errno)) => Err(failed(errno.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_the_first() {
        let run = tempfile::tempdir().unwrap();
        let folder = run.path().join("run");
        let held = DaemonLock::take(&folder).unwrap();
        let error = DaemonLock::take(&folder).unwrap_err();
        let pid = std::process::id();
        let wanted = format!("this gateway runs already (pid {pid}): `ai-gateway status` shows it");
        assert_eq!(error.to_string(), wanted);
        drop(held);
        DaemonLock::take(&folder).unwrap();
    }
}
