//! How tables are brought up to date, and what keeps two from doing it at once.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, OpenOptions},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::OpenOptionsExt as _,
    },
    time::Duration,
};

use nix::fcntl::{Flock, FlockArg};

use super::server::Server;
use crate::{
    config::paths::Paths,
    fs::regular,
    provision::{
        command::wait_for, error::SetupError, execution::Execution, interrupt::Interrupts,
        progress::Progress,
    },
};

/// How the tables of a service are brought up to date.
#[derive(Clone, Copy)]
pub(crate) enum Migrate {
    /// Over a connection to the server that set-up has started.
    WithServer(fn(&mut Execution<'_>, &Server) -> Result<(), SetupError>),
    /// By a program that starts a server itself, and that outlives set-up.
    ByItself {
        /// The name of the file that is locked meanwhile, in the folder of the state.
        lock: &'static str,
        /// Does it, while the lock is held.
        migrate: fn(&mut Execution<'_>, &Alone) -> Result<(), SetupError>,
    },
}

impl fmt::Debug for Migrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WithServer(_) => "with a server",
            Self::ByItself { .. } => "by itself",
        })
    }
}

/// Held by whoever migrates; the kernel lets go of it when the last of them has ended.
#[derive(Debug)]
pub(crate) struct Alone(Flock<File>);

/// The locks of all that migrate by themselves, by the names of their files.
pub(crate) type Locks = BTreeMap<&'static str, Alone>;

impl AsFd for Alone {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

const LOOK: Duration = Duration::from_millis(200);

impl Alone {
    /// Waits until no migration of an earlier set-up runs. `of` is the service, as a person says it.
    pub(crate) fn wait(
        (of, lock): (&str, &str),
        paths: &Paths,
        interrupts: &mut Interrupts,
        progress: &mut dyn Progress,
    ) -> Result<Self, SetupError> {
        let path = paths.state.join(lock);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).mode(0o600);
        let mut file = regular::open_as(&path, options.read(true).write(true))
            .map_err(SetupError::io("create", &path))?;
        let mut told = false;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Self(lock)),
                Err((back, nix::errno::Errno::EWOULDBLOCK)) => file = back,
                Err((_, e)) => return Err(SetupError::io("lock", &path)(e.into())),
            }
            if !told {
                told = true;
                progress.message(&format!(
                    "{of}'s migrations of an earlier set-up still run: waiting, for they must not be cut off"
                ));
            }
            interrupts.check()?;
            wait_for(&[interrupts.as_fd()], LOOK)
                .map_err(|e| SetupError::io("wait for", &path)(e.into()))?;
        }
    }
}
