//! Where set-up has put what it has made and found.

use std::{collections::BTreeMap, path::PathBuf};

use super::{error::NotSetUp, model::Payload};

/// Where set-up has put what it has made and found, all absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The folder of PostgreSQL's programs.
    pub postgres_bin: PathBuf,
    /// nginx.
    pub nginx: PathBuf,
    /// The folder that holds `node`.
    pub node_bin: PathBuf,
    /// The folder of each payload that is there in the version that is wanted, by its name.
    pub payloads: BTreeMap<&'static str, PathBuf>,
    /// This program.
    pub ai_gateway: PathBuf,
}

impl Installation {
    /// The folder of a payload, for whoever cannot do without it.
    ///
    /// # Errors
    /// It is not there, or is of another version.
    pub fn payload(&self, payload: &Payload) -> Result<PathBuf, NotSetUp> {
        let folder = self.payloads.get(payload.name);
        folder.cloned().ok_or_else(|| NotSetUp {
            what: format!("{} is missing, or of another version", payload.name),
        })
    }
}
