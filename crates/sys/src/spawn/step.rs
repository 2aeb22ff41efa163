//! The steps of a launch, in the order in which they are done, and the process group that the child enters
//! in one of them.

use std::fmt;

/// The process group of a launched process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The parent's group.
    Inherit,
    /// A new group in the parent's session.
    Process,
    /// A new session with a new group.
    Session,
}

/// The step in which a launch failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LaunchStep {
    /// Making the pipe and the copies of descriptors.
    Prepare,
    /// The call of clone3, which also puts the child into its cgroup.
    Clone,
    /// Reading the child's report.
    Report,
    /// Giving the child a table of descriptors of its own.
    PartFiles,
    /// Resetting the signal mask and the actions of signals.
    Signals,
    /// Process group or session.
    Group,
    /// Standard input, output and error.
    Stdio,
    /// The working directory.
    Chdir,
    /// The limit of open files.
    OpenFiles,
    /// Setting `no_new_privs`, so that the program can never gain privileges.
    NoNewPrivs,
    /// Asking for a signal when the parent ends.
    DeathSignal,
    /// Placing the sockets.
    HandOver,
    /// Making exec close all other descriptors.
    CloseFiles,
    /// execve.
    Exec,
}

impl LaunchStep {
    pub(super) const OF_CHILD: [Self; 11] = [
        Self::PartFiles,
        Self::Signals,
        Self::Group,
        Self::Stdio,
        Self::Chdir,
        Self::OpenFiles,
        Self::NoNewPrivs,
        Self::DeathSignal,
        Self::HandOver,
        Self::CloseFiles,
        Self::Exec,
    ];
}

impl fmt::Display for LaunchStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "prepare descriptors",
            Self::Clone => "clone",
            Self::Report => "hear from the child",
            Self::PartFiles => "get file descriptors of its own",
            Self::Signals => "reset signals",
            Self::Group => "enter the process group",
            Self::Stdio => "place standard input, output and error",
            Self::Chdir => "enter the working directory",
            Self::OpenFiles => "limit open files",
            Self::NoNewPrivs => "set no_new_privs",
            Self::DeathSignal => "set the parent death signal",
            Self::HandOver => "place the descriptors that are handed over",
            Self::CloseFiles => "close other files",
            Self::Exec => "execute",
        })
    }
}
