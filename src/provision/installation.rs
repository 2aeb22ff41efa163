//! Where set-up has put what it has made and found.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    error::NotSetUp,
    model::{Payload, Program},
};

/// Where set-up has put what it has made and found, all absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installation {
    /// The place of each program that a service needs, by its name.
    pub programs: BTreeMap<&'static str, PathBuf>,
    /// The folder that holds `node`.
    pub node_bin: PathBuf,
    /// The folder of each payload that is there in the version that is wanted, by its name.
    pub payloads: BTreeMap<&'static str, PathBuf>,
    /// The parts of payloads that services have found, each by the name that its service gives it.
    pub parts: BTreeMap<&'static str, PathBuf>,
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

    /// The folder of a payload that its service has declared as needed.
    ///
    /// # Panics
    /// The service has not declared it.
    pub(crate) fn folder(&self, payload: &Payload) -> &Path {
        let folder = self.payloads.get(payload.name);
        folder.expect("nothing is planned before all that services declare as needed is there")
    }

    /// The place of a program that its service has declared, and that the settings need.
    ///
    /// # Panics
    /// The service has not declared it, or the settings do not need it.
    pub(crate) fn program(&self, program: &Program) -> &Path {
        let place = self.programs.get(program.name);
        place.expect("nothing is planned before every program that services declare is there")
    }

    /// A part of a payload, if its service has found it.
    pub(crate) fn part(&self, name: &str) -> Option<&Path> {
        self.parts.get(name).map(PathBuf::as_path)
    }
}
