//! The daemon: one loop that owns the machine, and hands that act.
//!
//! ```text
//!               input                event
//!  processes  ┌────────┐ ┌──────────┐      ┌─────────┐ effects
//!  probes  ──▶│  turn  │▶│ executor │─────▶│ machine │────────┬──▶ executor: launch, probe, signal, kill
//!  deadline   │        │ └──────────┘      └─────────┘        ├──▶ publisher: history, log, who follows
//!  a call ───▶│        │▶ calls, reload ─────▲                └──▶ waiters: answers to callers
//!  a signal   └────────┘
//! ```
//!
//! Order within one turn: an event goes into the machine, its effects are carried out one by one, and
//! what they answer at once (a launch, a cgroup that is empty already) goes in again before anything
//! else is looked at; then callers are answered. So a crash and the next launch are one turn of the
//! loop.
//!
//! Everything that takes time is a task of the executor's, and its result is the loop's next input; a
//! configuration is read by a thread (`wishes`). Nothing polls: exits come by pidfd, orphans by SIGCHLD,
//! emptied cgroups by `cgroup.events`, deadlines by one timer.

mod apart;
mod calls;
pub mod clock;
mod daemon;
mod executor;
pub mod files;
pub mod groups;
mod listeners;
mod lock;
pub mod orphans;
mod preview;
mod publisher;
mod reload;
mod sight;
mod skipped;
mod starts;
mod turn;
mod waiters;
mod wishes;

use std::{
    collections::HashSet,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use supervise::{graph::GraphError, spec::ServiceSpec};

use crate::{
    config::paths::Paths,
    control::{
        server::BindError,
        types::{Refusal, Urls},
    },
    identity,
    logs::Output,
    services::Stack,
};

pub use apart::within;
pub use lock::{DaemonLock, Holder, LockError};
pub use turn::run;

/// The processes of the gateway with this state folder, the daemon's own included, as far as they
/// can be told: for whoever asks who holds a port.
pub fn processes(state: &Path) -> HashSet<i32> {
    let mut found = identity::pids(state).unwrap_or_default();
    found.extend(Holder::find(state).map(|holder| holder.pid));
    found
}
pub use executor::launch::open_files;

/// What is to be run.
#[derive(Debug)]
pub struct Planned {
    /// The services and their files.
    pub stack: Stack,
    /// The resource profile's name.
    pub profile: String,
    /// Where people reach it.
    pub urls: Urls,
    /// Compares the configuration that all of this was made from with the one on disk.
    pub compare: Compare,
}

/// A status waits no longer for it.
const LOOK: Duration = Duration::from_secs(2);

/// What a look at the configuration on disk has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// The keys that have another value than the one in effect.
    pub differs: Vec<String>,
    /// What is wrong with it, if it could not be compared.
    pub invalid: Option<String>,
}

/// What comes of one key of the configuration alone: its name, and the services as they would be.
pub type Alone = (String, Vec<ServiceSpec>);

/// Compares the configuration that is in effect with the one on disk. It reads files, and so is never
/// called in the loop.
#[derive(Clone)]
pub struct Compare {
    look: Arc<dyn Fn() -> Compared + Send + Sync>,
    alone: Arc<dyn Fn() -> Vec<Alone> + Send + Sync>,
    /// Whether somebody looks, or an earlier look has never ended.
    busy: Arc<AtomicBool>,
}

impl Compare {
    /// Looks by `look`; `alone` has each key that differs.
    pub fn new(
        look: impl Fn() -> Compared + Send + Sync + 'static,
        alone: impl Fn() -> Vec<Alone> + Send + Sync + 'static,
    ) -> Self {
        Self {
            look: Arc::new(look),
            alone: Arc::new(alone),
            busy: Arc::default(),
        }
    }

    /// Each key that differs, with what comes of it alone.
    fn alone(&self) -> Vec<Alone> {
        (self.alone)()
    }

    fn look(&self) -> Compared {
        let none = || Compared {
            differs: Vec::new(),
            invalid: Some("it cannot be read: its file system does not answer".to_owned()),
        };
        if self.busy.swap(true, Ordering::Relaxed) {
            return none();
        }
        let (look, busy) = (Arc::clone(&self.look), Arc::clone(&self.busy));
        let work = move || {
            let found = look();
            busy.store(false, Ordering::Relaxed);
            found
        };
        within(LOOK, work).unwrap_or_else(none)
    }
}

/// Nothing on disk to compare with.
impl Default for Compare {
    fn default() -> Self {
        Self::new(Compared::default, Vec::new)
    }
}

impl std::fmt::Debug for Compare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compare")
    }
}

/// What a configuration is read again for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be taken up: what can be set right on the way is.
    TakeUp,
    /// To be looked at: nothing changes.
    Preview,
}

/// Reads the configuration again.
pub type Replan = Arc<dyn Fn(Purpose) -> Result<Planned, Refusal> + Send + Sync>;

/// Everything that a daemon needs to know.
pub struct Options {
    /// Where everything lives.
    pub paths: Paths,
    /// Where lines go.
    pub output: Output,
    /// What is to be run.
    pub planned: Planned,
    /// For a reload.
    pub replan: Replan,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("paths", &self.paths)
            .field("output", &self.output)
            .field("planned", &self.planned)
            .finish_non_exhaustive()
    }
}

/// Why there is no daemon.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another one runs.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What an earlier daemon left.
    #[error(transparent)]
    Orphans(#[from] orphans::OrphansError),
    /// The services cannot be supervised together.
    #[error("the services cannot be supervised together")]
    Graph(#[from] GraphError),
    /// Rendered files.
    #[error(transparent)]
    Files(#[from] files::FilesError),
    /// The control socket.
    #[error(transparent)]
    Control(#[from] BindError),
    /// The kernel.
    #[error("cannot {what}")]
    Kernel {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}
