//! What stands in the way of a set-up, and what to do about it.

use std::path::PathBuf;

use super::{programs::Python, size::MB};
use crate::secrets::SecretKind;

/// Why set-up cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No Python was found that set-up could begin with.
    #[error(
        "no Python 3.{} or newer was found{}: install one (on Debian and Ubuntu: sudo apt install \
         python3 python3-venv; on Fedora: sudo dnf install python3)",
        Python::OLDEST_FOR_TOOLS, found(.0)
    )]
    NoPython(Vec<Python>),
    /// The Python that the settings name cannot be used.
    #[error(
        "[programs] python names {}, which is no Python of version {}{}: name one that is, or remove \
         the key, and set-up installs one where the machine has none",
        named.display(), Python::versions(), found(found_there)
    )]
    BadPython {
        /// The path that the settings name.
        named: PathBuf,
        /// What was found there.
        found_there: Vec<Python>,
    },
    /// The Python that was found cannot make environments with pip.
    #[error(
        "{} cannot make virtual environments: on Debian and Ubuntu run \
         'sudo apt install python3.{minor}-venv'", python.display()
    )]
    NoVenv {
        /// The interpreter.
        python: PathBuf,
        /// Its minor version.
        minor: u32,
    },
    /// The Node.js that the settings name cannot be used.
    #[error("[programs] node names {}, which is no Node.js 18 or newer", .0.display())]
    BadNode(PathBuf),
    /// A program that a service needs was not found, or none of those that were found does.
    #[error("{why}")]
    NoProgram {
        /// The program's name.
        name: &'static str,
        /// The service's own sentence: what is missing, and what helps.
        why: String,
    },
    /// A database server uses the cluster that set-up would change.
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
        /// How it stands to the one that was, in the middle of the sentence: "not", for example.
        how: &'static str,
    },
    /// The disk does not have the room that the steps take.
    #[error(
        "{} has {} MB free and {} MB are needed ({}): make room, or set AI_GATEWAY_HOME to a \
         folder on a larger disk", state.display(), free / MB, needed / MB, parts(parts_of)
    )]
    Disk {
        /// The state folder.
        state: PathBuf,
        /// How many bytes the disk has left.
        free: u64,
        /// How many bytes the steps take.
        needed: u64,
        /// What the sum is made of.
        parts_of: Vec<(String, u64)>,
    },
    /// A part of the offline folder is missing.
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
