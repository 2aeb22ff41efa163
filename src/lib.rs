//! The AI gateway: configuration, the stack, provisioning and the runtime around the pure core in
//! `crates/supervise`.

pub mod config;
pub mod secrets;
