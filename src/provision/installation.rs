//! Where set-up has put what it has made and found.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    error::NotSetUp,
    model::{Payload, Program},
};
use crate::base_environment::NO_HOME;

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

    /// The folder of a payload, for a plan. A start finds every payload that a service has declared as needed. A
    /// preview of other settings may plan before such a payload is there, and gets a place where nothing is.
    pub(crate) fn folder(&self, payload: &Payload) -> PathBuf {
        let folder = self.payloads.get(payload.name);
        folder.cloned().unwrap_or_else(|| nowhere(payload.name))
    }

    /// The place of a program that a service has declared, for a plan. It may be a place where nothing is for a
    /// preview, as [`Self::folder`] may.
    pub(crate) fn program(&self, program: &Program) -> PathBuf {
        let place = self.programs.get(program.name);
        place.cloned().unwrap_or_else(|| nowhere(program.name))
    }

    /// A part of a payload, if its service has found it.
    pub(crate) fn part(&self, name: &str) -> Option<&Path> {
        self.parts.get(name).map(PathBuf::as_path)
    }
}

/// A place that never exists.
fn nowhere(name: &str) -> PathBuf {
    Path::new(NO_HOME).join(name)
}
