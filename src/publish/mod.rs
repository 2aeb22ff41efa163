//! What people are told of the gateway: one snapshot of everything, and what is made from it.
//!
//! ```text
//!  the loop ──▶ Changes ──▶ Snapshot ──┬──▶ status, why, blame
//!              (once a turn)           └──▶ systemd's messages, the end of waits
//!  a worker ──▶ Figures, Files ────────────▶ status, why, blame
//!              (when somebody asks)
//! ```
//!
//! A [`Snapshot`] has what the loop knows: states, reasons, history, milestones. What has to be measured
//! for each answer is a value of its own ([`Figures`], [`Files`]), and the functions here put both
//! together. All of them are pure; `runtime` publishes, measures and answers.

mod blame;
mod configuration;
#[cfg(test)]
pub(crate) mod fixtures;
mod snapshot;
mod status;

pub use blame::{Own, blame};
pub use configuration::{Alone, Compare, Compared};
pub use snapshot::{
    Changes, Now, Process, ServiceFacts, ServiceSnapshot, Snapshot, Starts, Transition, Whole,
};
pub use status::{Figures, Files, Usage, status, why};
