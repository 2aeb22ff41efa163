//! The stack as the runtime brings it up: the services, and the files and folders that they need.
//!
//! These are types and the words that a service and its supervisor agree on, and nothing else. Who fills them
//! in is [`crate::services`]; the runtime, `doctor` and the command line read them and know no service.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use supervise::spec::{ServiceName, ServiceSpec};

use crate::{identity::PidFile, logs::Dialect};

/// How many connections are to be able to wait at each listening socket while its service restarts: the
/// kernel's own default since Linux 5.4, and no fewer than one service has to another.
pub const QUEUE: u32 = 4096;

/// The file in its working folder in which a service may count the requests that it still answers, as a
/// number in text.
pub const IN_FLIGHT: &str = "in-flight";

/// The file in its working folder in which a service may say when its application was imported and when
/// it had started: two numbers of nanoseconds of the monotonic clock.
pub const MILESTONES: &str = "start-milestones";

/// Everything that the runtime needs to bring the gateway up.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// The services.
    pub services: Vec<ServiceSpec>,
    /// Folders to make first, mode 0700.
    pub folders: Vec<PathBuf>,
    /// Files to write.
    pub files: Vec<RenderedFile>,
    /// What else is peculiar to a service.
    pub particulars: Particulars,
}

/// What the runtime has to know of single services that their specifications do not say.
#[derive(Debug, Clone, Default)]
pub struct Particulars {
    /// Files with a process's number that keep a service from starting.
    pub pid_files: Vec<(ServiceName, PidFile)>,
    /// How the lines of a service say how urgent they are, where somebody has to read them for that.
    pub dialects: BTreeMap<ServiceName, Dialect>,
}

/// A file to write before anything is launched.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// The path of the file.
    pub path: PathBuf,
    /// Its text. It may hold secrets: the file gets mode 0600.
    pub contents: String,
}

impl fmt::Debug for RenderedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.path.display(), self.contents.len())
    }
}
