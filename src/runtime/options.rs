//! What a daemon is given when it begins, and why it could not begin.
//!
//! The command line fills in [`DaemonOptions`] and calls [`super::run`]. A reload asks [`Replan`] for the next
//! [`Planned`].

use std::{io, sync::Arc};

use supervise::graph::GraphError;

use super::{files, orphans};
use crate::{
    config::paths::Paths,
    control::{
        server::BindError,
        types::{Refusal, Urls},
    },
    lock::LockError,
    logs::Output,
    publish::Compare,
    stack::Stack,
};

/// What is to be run.
#[derive(Debug)]
pub struct Planned {
    /// The services and their files.
    pub stack: Stack,
    /// The resource profile's name.
    pub profile: String,
    /// Where people reach it.
    pub urls: Urls,
    /// Compares the configuration that all of this was made from with the one on disk.
    pub compare: Compare,
}

/// What a configuration is read again for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be started: what may be made by a start and is missing is made.
    Start,
    /// To be taken up by a daemon that runs: what can be set right on the way is.
    TakeUp,
    /// To be looked at: nothing changes.
    Preview,
}

/// Reads the configuration again.
pub type Replan = Arc<dyn Fn(Purpose) -> Result<Planned, Refusal> + Send + Sync>;

/// Everything that a daemon needs to know.
pub struct DaemonOptions {
    /// Where everything is.
    pub paths: Paths,
    /// Where lines go.
    pub output: Output,
    /// What is to be run.
    pub planned: Planned,
    /// For a reload.
    pub replan: Replan,
}

impl std::fmt::Debug for DaemonOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DaemonOptions")
            .field("paths", &self.paths)
            .field("output", &self.output)
            .field("planned", &self.planned)
            .finish_non_exhaustive()
    }
}

/// Why there is no daemon.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another one runs.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What an earlier daemon left.
    #[error(transparent)]
    Orphans(#[from] orphans::OrphansError),
    /// The services cannot be supervised together.
    #[error("the services cannot be supervised together")]
    Graph(#[from] GraphError),
    /// Rendered files.
    #[error(transparent)]
    Files(#[from] files::FilesError),
    /// The control socket.
    #[error(transparent)]
    Control(#[from] BindError),
    /// The kernel.
    #[error("cannot {what}")]
    Kernel {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}
