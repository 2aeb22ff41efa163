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
mod daemon;
mod executor;
mod facts;
pub mod files;
pub mod groups;
mod listeners;
mod look;
mod measure;
mod options;
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

use std::{collections::HashSet, path::Path};

use crate::{identity, lock::Holder};

pub use apart::within;
pub use options::{DaemonOptions, Planned, Purpose, Replan, RunError};
pub use turn::run;

/// The processes of the gateway with this state folder, including the daemon's own, as far as they can be
/// recognised. For callers who ask which process has a port.
pub fn processes(state: &Path) -> HashSet<i32> {
    let mut found = identity::pids(state).unwrap_or_default();
    found.extend(Holder::find(state).map(|holder| holder.pid));
    found
}
