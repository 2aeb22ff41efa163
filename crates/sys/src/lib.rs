//! The kernel calls that the supervisor needs, behind safe types: the only crate with unsafe code.
//!
//! There is no policy here: every function does one thing, takes and returns owned descriptors, and reports
//! the error of the kernel.

pub mod cgroup;
mod child;
mod clone;
pub mod journal;
pub mod kernel;
pub mod listeners;
pub mod localtime;
pub mod pidfd;
pub mod proc;
pub mod readiness;
mod slots;
pub mod spawn;
pub mod subreaper;
