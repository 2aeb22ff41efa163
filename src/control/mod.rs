//! The control socket: how the command line speaks to a running daemon.

pub mod types;
