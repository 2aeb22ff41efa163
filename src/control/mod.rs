//! The control socket: how the command line speaks to a running daemon.
//!
//! It speaks Varlink, so that `varlinkctl` can speak to it as well. The code is our own, because a message is
//! only one JSON object and a NUL byte. Only the daemon's owner and root may connect.

pub mod client;
pub mod handle;
pub mod server;
pub mod types;
pub mod wire;
