//! What a service may read, write, execute and connect to.
//!
//! This is plain data beside the rest of a specification. Whoever plans a service writes it, and nothing
//! enforces it yet. It has only parts for which Landlock has rules, so that it can be enforced later as it
//! stands: a folder stands for everything below it, and TCP is restricted by port numbers alone.
//!
//! It leaves out what any program needs of its machine: the system's libraries and programs, its settings in
//! `/etc`, `/proc`, and devices such as `/dev/null`. Those are the same for all, and belong to
//! whoever enforces it. The sockets that are held for a service are not in it either: a process that
//! is given a listening socket binds nothing.

use std::{collections::BTreeSet, path::PathBuf};

/// Whether a service is confined.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Confinement {
    /// It may do whatever its user may.
    #[default]
    Unconfined,
    /// It may do what is listed here and nothing else.
    To(Access),
}

/// What a confined service may do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Access {
    /// Files and folders that it may read.
    pub read: BTreeSet<PathBuf>,
    /// Files and folders that it may read and change, and where it may make and remove others.
    pub write: BTreeSet<PathBuf>,
    /// Programs, and folders with programs and libraries, that it may read and execute.
    pub execute: BTreeSet<PathBuf>,
    /// Unix sockets that it may connect to, by their names.
    pub unix_connect: BTreeSet<PathBuf>,
    /// TCP ports that it may bind by itself.
    pub tcp_bind: Ports,
    /// TCP ports that it may connect to, on whatever machine.
    pub tcp_connect: Ports,
}

/// A set of TCP ports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ports {
    /// Every port.
    Any,
    /// These ports. The list may be empty.
    Only(BTreeSet<u16>),
}

impl Default for Ports {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl Ports {
    /// One port.
    pub fn one(port: u16) -> Self {
        Self::Only([port].into())
    }
}
