//! What can go wrong with a file of a cgroup, by file and value.

use std::path::PathBuf;
use std::{fmt, io};

use nix::errno::Errno;

/// What was being done to a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Opening a cgroup or a file to watch.
    Open,
    /// Making a cgroup.
    Create,
    /// Removing a cgroup.
    Remove,
    /// Reading a file.
    Read,
    /// Writing this value to a file.
    Write(String),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Create => f.write_str("create"),
            Self::Remove => f.write_str("remove"),
            Self::Read => f.write_str("read"),
            Self::Write(value) => write!(f, "write \"{value}\" to"),
        }
    }
}

/// A cgroup file that would not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The kernel refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done.
        action: Action,
        /// To which file or directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The kernel answered something else than it documents.
    #[error("cannot make sense of {}: {text:?}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it said.
        text: String,
    },
}

impl CgroupError {
    pub(super) fn new(action: Action, path: PathBuf, errno: Errno) -> Self {
        Self::Io {
            action,
            path,
            source: errno.into(),
        }
    }

    /// The kernel's error number, where it is the kernel that refused.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Io { source, .. } => source.raw_os_error(),
            Self::Malformed { .. } => None,
        }
    }
}
