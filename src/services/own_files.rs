//! Files of the user's own that a service reads, such as a configuration in the service's own language.
//!
//! The room of the service reads and checks them before anything restarts. What they say is kept with the
//! settings, so that the plan stays pure and a change of a file is a change of the service.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use crate::{
    config::settings::OwnFiles,
    secrets::own::{OwnName, OwnSecretError},
    trust::Untrusted,
};

/// Refuses a file that others than the gateway's user and root could change. Asked before a file is read.
pub(crate) type Trusted<'a> = &'a dyn Fn(&Path) -> Result<(), Untrusted>;

/// What a room has read.
#[derive(Debug)]
pub(crate) struct Read {
    /// The files, by their paths.
    pub(crate) files: OwnFiles,
    /// Variables that the files name and a secret of the user's own gives.
    pub(crate) variables: BTreeMap<String, String>,
    /// The names of these secrets.
    pub(crate) secrets: Vec<OwnName>,
    /// What a person should know, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Why a file of the user's own cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnFileError {
    /// It cannot be read.
    #[error("cannot read {}, which {key} names: the user of the gateway has to be able to read it", path.display())]
    Read {
        /// The key that leads to it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is not written in its language.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// It is written in its language, and is something else than a configuration.
    #[error("{} {what}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Others could change it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// A secret that gives a variable is there and cannot be used.
    #[error(transparent)]
    Secret(#[from] OwnSecretError),
    /// It names a variable that nobody gives.
    #[error(
        "{} needs the variable {name}, which neither the environment of the service nor a secret provides: 'ai-gateway secret set \
         {name}' asks for its value",
        path.display()
    )]
    Variable {
        /// The file.
        path: PathBuf,
        /// The variable.
        name: String,
    },
}
