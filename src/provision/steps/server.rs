//! A database server for the time of set-up. The service that the server belongs to starts it; it ends when its handle
//! is dropped.

use std::{path::PathBuf, time::Duration};

use nix::{sys::signal::Signal, unistd::Pid};
use sys::spawn::Spawned;

use crate::provision::command::end_group;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Spawned,
    /// The folder of its socket.
    pub(crate) socket: PathBuf,
    /// The signal that has it end well.
    pub(crate) stop: Signal,
    /// How long it may take for that before it is killed.
    pub(crate) patience: Duration,
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.process.pid);
        end_group(group, &self.process.pidfd, self.stop, self.patience);
    }
}
