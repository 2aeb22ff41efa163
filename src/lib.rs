//! The AI gateway: what surrounds the pure core in `crates/supervise`.

pub mod base_environment;
pub mod causes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod disk;
pub mod doctor;
pub mod fs;
pub mod identity;
pub mod lock;
pub mod logs;
pub mod open_files;
pub mod plan;
pub mod probe;
pub mod provision;
pub mod publish;
mod python;
pub mod runtime;
pub mod secrets;
pub mod services;
mod shell;
pub mod stack;
pub mod systemd;
pub mod trust;
