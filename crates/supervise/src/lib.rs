//! A supervisor's decisions as a pure state machine.
//!
//! Data in, data out: this crate has no clock, no I/O, no environment and no threads; Cargo
//! enforces it, since nothing here depends on tokio or nix. A runtime owns one machine, feeds it
//! events with the time at which they happened, and carries out the effects that come back.
#![forbid(unsafe_code)]

pub mod backoff;
pub mod change;
pub mod confinement;
pub mod effect;
pub mod event;
pub mod graph;
pub mod hang;
pub mod machine;
pub mod milestones;
pub mod recycle;
pub mod spec;
pub mod time;

#[cfg(test)]
mod fixtures;
