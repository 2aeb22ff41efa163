//! What stands in the way of a set-up, and what to do about it.

use std::path::PathBuf;

use super::{programs::Python, size::MB};
use crate::secrets::SecretKind;

/// Why set-up cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No Python of the right version.
    #[error(
        "no Python from 3.11 to 3.12 was found{}: install one (on Debian 12: sudo apt install \
         python3.11 python3.11-venv) or name one with [programs] python", found(.0)
    )]
    NoPython(Vec<Python>),
    /// A Python that cannot make environments with pip.
    #[error(
        "{} cannot make virtual environments: on Debian and Ubuntu run \
         'sudo apt install python3.{minor}-venv'", python.display()
    )]
    NoVenv {
        /// The Python.
        python: PathBuf,
        /// Its minor version.
        minor: u32,
    },
    /// The named Node.js does not do.
    #[error("[programs] node names {}, which is no Node.js 18 or newer", .0.display())]
    BadNode(PathBuf),
    /// No PostgreSQL.
    #[error(
        "PostgreSQL 13 or newer was not found: on Debian and Ubuntu run 'sudo apt install \
         postgresql' (its own cluster is left alone), or name its folder of programs with \
         [programs] postgres_bin"
    )]
    NoPostgres,
    /// The cluster was made by another major version.
    #[error(
        "the database in {} was made by PostgreSQL {cluster}, whose programs were not found: \
         install postgresql-{cluster}, or name its folder of programs with [programs] postgres_bin",
        data.display()
    )]
    ClusterVersion {
        /// The cluster's folder.
        data: PathBuf,
        /// Its major version.
        cluster: u32,
    },
    /// No nginx.
    #[error(
        "nginx was not found: on Debian and Ubuntu run 'sudo apt install nginx-light', or name it \
         with [programs] nginx"
    )]
    NoNginx,
    /// A database server that set-up would collide with.
    #[error(
        "the database in {} is in use by process {pid}: run 'ai-gateway stop' first",
        data.display()
    )]
    ServerRunning {
        /// The cluster's folder.
        data: PathBuf,
        /// The server's process id.
        pid: i32,
    },
    /// The key that the database's contents are encrypted with is not the one that it was.
    #[error(
        "{} is {how} the one that the database's provider keys are encrypted with: restore it from a \
         backup; or, to go on without it: 'ai-gateway setup --accept-salt-key' ({})",
        path.display(), kind.lost
    )]
    SaltKey {
        /// Which secret it is.
        kind: SecretKind,
        /// Its file.
        path: PathBuf,
        /// "not", or how it is otherwise.
        how: &'static str,
    },
    /// Not enough room.
    #[error(
        "{} has {} MB free and {} MB are needed ({}): make room, or set AI_GATEWAY_HOME to a \
         folder on a larger disk", state.display(), free / MB, needed / MB, parts(parts_of)
    )]
    Disk {
        /// Where.
        state: PathBuf,
        /// In bytes.
        free: u64,
        /// In bytes.
        needed: u64,
        /// What the sum is made of.
        parts_of: Vec<(String, u64)>,
    },
    /// The engine that was named is not there.
    #[error("[engine] path names {}, which is no program", .0.display())]
    NoEngine(PathBuf),
    /// The offline folder is not as it should be.
    #[error("--offline {}: there is no folder {} in it", folder.display(), missing)]
    Offline {
        /// The folder.
        folder: PathBuf,
        /// What it lacks.
        missing: &'static str,
    },
}

fn found(pythons: &[Python]) -> String {
    let list: Vec<_> = pythons
        .iter()
        .map(|p| {
            format!(
                "{} is {}.{}.{}",
                p.path.display(),
                p.version.0,
                p.version.1,
                p.version.2
            )
        })
        .collect();
    if list.is_empty() {
        String::new()
    } else {
        format!(" ({})", list.join(", "))
    }
}

fn parts(parts: &[(String, u64)]) -> String {
    let list: Vec<_> = parts
        .iter()
        .map(|(name, bytes)| format!("{name} {}", bytes / MB))
        .collect();
    list.join(" + ")
}
