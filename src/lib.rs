//! The AI gateway: what surrounds the pure core in `crates/supervise`.

pub mod cli;
pub mod config;
pub mod control;
pub mod internal;
pub mod provision;
pub mod secrets;
pub mod stack;
