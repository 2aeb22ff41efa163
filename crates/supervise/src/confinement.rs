//! What a service may read, write, execute and connect to.
//!
//! Plain data, beside the rest of a specification. It is made by whoever plans a service and says no more
//! than that: nothing enforces it yet. Its parts are those that Landlock has rules for, so that whoever
//! enforces it one day has nothing to make up: folders count with all that is below them, and TCP is told
//! apart by ports alone.
//!
//! It leaves out what any program needs of its machine: the system's libraries and programs, its settings in
//! `/etc`, `/proc`, and devices such as `/dev/null`. Those are the same for all, and belong to
//! whoever enforces it. The sockets that are held for a service are not in it either: a process that
//! is given a listening socket binds nothing.

use std::{collections::BTreeSet, path::PathBuf};

/// Whether a service is held to anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Confinement {
    /// It may do whatever its user may.
    #[default]
    Unconfined,
    /// It may do this and nothing else.
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
    /// These, which may be none.
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
