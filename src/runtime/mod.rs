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
//! The order within one turn: an event goes into the machine, and its effects are carried out one by one.
//! The events that they cause at once (a launch, a cgroup that is empty already) go into the machine before
//! anything else does. Then the snapshot is published, and then the callers whose orders are done are
//! answered. So a crash and the next launch are one turn of the loop, and a caller who was answered sees
//! the result in the next status. Questions never enter the loop.
//!
//! Everything that takes time is a task of the executor, and its result is an input of the loop; a
//! configuration is read by a thread (`reload_queue`). Nothing polls: exits are reported by pidfd, orphans
//! by SIGCHLD, empty cgroups by `cgroup.events`, and deadlines by one timer.

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
mod reload_queue;
mod skipped;
mod teller;
mod turn;
mod waiters;
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

/// The processes of the gateway with this state folder, including the daemon's own, as far as they can be
/// recognised. For callers who ask which process has a port.
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
    /// The addresses at which people reach it.
    pub urls: Urls,
    /// Compares the configuration that all of this was made from with the one on disk.
    pub compare: Compare,
}

/// For what a configuration is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be applied. What can be repaired on the way, such as a missing secret, is repaired.
    TakeUp,
    /// To be shown. Nothing changes.
    Preview,
}

/// Reads the configuration again.
pub type Replan = Arc<dyn Fn(Purpose) -> Result<Planned, Refusal> + Send + Sync>;

/// Everything that a daemon needs to know.
pub struct Options {
    /// The paths of the gateway.
    pub paths: Paths,
    /// Where log lines go.
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

/// Why the daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another daemon runs for this gateway.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Processes of an earlier daemon cannot be ended.
    #[error(transparent)]
    Orphans(#[from] orphans::OrphansError),
    /// The services cannot be supervised together.
    #[error("the services cannot be supervised together")]
    Graph(#[from] GraphError),
    /// The rendered files cannot be written.
    #[error(transparent)]
    Files(#[from] files::FilesError),
    /// The control socket cannot be opened.
    #[error(transparent)]
    Control(#[from] BindError),
    /// The kernel refused something.
    #[error("cannot {what}")]
    Kernel {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}
