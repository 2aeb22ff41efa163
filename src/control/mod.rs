//! The control socket: how the command line speaks to a running daemon.
//!
//! Varlink, so that `varlinkctl` speaks to it as well; by hand, since it is one JSON object and a
//! NUL byte in each direction. Only the daemon's owner and root may connect.

pub mod client;
pub mod handle;
pub mod server;
pub mod types;
pub mod wire;
