//! The daemon: one loop that owns the machine, an executor that acts, and a publisher that tells.
//!
//! ```text
//!               input                event
//!  processes  ┌────────┐ ┌──────────┐      ┌─────────┐ effects
//!  probes  ──▶│  turn  │▶│ executor │─────▶│ machine │────────┬──▶ executor: launch, probe, signal, kill
//!  deadline   │        │ └──────────┘      └─────────┘        └──▶ publisher: log, the next snapshot
//!  an order ─▶│        │▶ calls, reload ─────▲                          │
//!  a signal   └────────┘                                                ▼
//!                                                               one snapshot (`publish`)
//!  a question ─▶ teller ◀─── measure, look: workers, on request ◀───────┤
//!                                            waiters, the manager ◀─────┘
//! ```
//!
//! Order within one turn: an event goes into the machine, its effects are carried out one by one, and
//! what they answer at once (a launch, a cgroup that is empty already) goes in again before anything
//! else is looked at; then the snapshot is published, and then those are answered whose order is done.
//! So a crash and the next launch are one turn of the loop, and whoever was answered sees it in the next
//! status. Questions never enter the loop.
//!
//! Everything that takes time is a task of the executor's, and its result is the loop's next input; a
//! configuration is read by a thread (`wishes`). Nothing polls: exits come by pidfd, orphans by SIGCHLD,
//! emptied cgroups by `cgroup.events`, deadlines by one timer.

mod apart;
mod calls;
pub mod clock;
mod daemon;
mod executor;
mod facts;
pub mod files;
pub mod groups;
mod listeners;
mod lock;
mod look;
mod measure;
pub mod orphans;
mod preview;
mod publisher;
mod pulse;
mod reload;
mod skipped;
mod teller;
mod turn;
mod waiters;
mod wishes;
mod worker;

use std::{collections::HashSet, io, path::Path, sync::Arc};

use supervise::graph::GraphError;

use crate::{
    config::paths::Paths,
    control::{
        server::BindError,
        types::{Refusal, Urls},
    },
    identity,
    logs::Output,
    publish::Compare,
    stack::Stack,
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
