//! The database that services keep their tables in: how it is looked at, and which roles it has.
//!
//! A database server keeps all its databases in one folder, the cluster. Which server that is, and how it is run, is
//! declared by the service that brings it.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    config::paths::Paths,
    secrets::{SecretError, SecretKind, SecretStore},
};

/// The cluster of a database server, and what can be told of it while no server is asked.
#[derive(Debug, Clone, Copy)]
pub struct Cluster {
    /// The folder of the cluster.
    pub data: fn(&Paths) -> PathBuf,
    /// The number of the cluster in that folder, which no other cluster has, or `None` where there is none.
    pub identifier: fn(&Path) -> Result<Option<u64>, UnreadableCluster>,
    /// The major version of the server that made it.
    pub major: fn(&Path) -> Option<u32>,
    /// The process of the server that uses the cluster, if one does.
    pub running_server: fn(&Path) -> Option<i32>,
    /// What makes these roles with their passwords, in the server's own language.
    pub roles: fn(&[Role], &SecretStore) -> Result<String, SecretError>,
}

/// A file of the cluster cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct UnreadableCluster {
    /// The file.
    pub path: PathBuf,
    /// The kernel's answer.
    pub source: io::Error,
}

/// A service's role in the database, which owns a database of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Letters and underscores, so that it needs no quoting.
    pub name: &'static str,
    /// The secret that is its password.
    pub password: SecretKind,
}
