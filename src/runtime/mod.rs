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
mod skipped;
mod teller;
mod turn;
mod waiters;
mod wishes;
mod worker;

use std::{collections::HashSet, path::Path};

use crate::{identity, lock::Holder};

pub use apart::within;
pub use options::{Options, Planned, Purpose, Replan, RunError};
pub use turn::run;

/// The processes of the gateway with this state folder, the daemon's own included, as far as they
/// can be told: for whoever asks who holds a port.
pub fn processes(state: &Path) -> HashSet<i32> {
    let mut found = identity::pids(state).unwrap_or_default();
    found.extend(Holder::find(state).map(|holder| holder.pid));
    found
}
