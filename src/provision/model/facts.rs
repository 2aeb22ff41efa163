//! The machine, as far as set-up asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    damage::Damage,
    generation::{Generations, PayloadFolder},
    payload::Payload,
    programs::{FoundProgram, Node, Program, Python},
    record::SetUpRecord,
};
use crate::secrets::SecretKind;

/// The machine and the gateway, as set-up has found them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Every Python that was found, in the order in which they are preferred.
    pub pythons: Vec<Python>,
    /// The Node.js that was found, of whatever version.
    pub node: Option<Node>,
    /// What was found of the programs that services need, by the program's name.
    pub programs: BTreeMap<&'static str, Vec<FoundProgram>>,
    /// How many bytes the disk of the state folder has left.
    pub disk_free: u64,
    /// The payload folders that were finished.
    pub complete: BTreeSet<(Payload, String)>,
    /// What is wrong with those that were finished once and are not whole any more.
    pub damaged: Vec<Damage>,
    /// Every payload folder that is there, finished or not.
    pub folders: BTreeSet<PayloadFolder>,
    /// Where each link `current` points, by the payload's name.
    pub links: BTreeMap<String, String>,
    /// Which generation is current, and which was before.
    pub generations: Generations,
    /// The cluster's system identifier, where there is one.
    pub cluster: Option<u64>,
    /// The major version of the database server that made it.
    pub cluster_major: Option<u32>,
    /// The process of a database server that uses it.
    pub server: Option<i32>,
    /// The secrets that are not there.
    pub secrets_missing: Vec<SecretKind>,
    /// The secrets that are not those that the database was set up with.
    pub secrets_changed: Vec<SecretKind>,
    /// Whether another salt key is taken, and what the old one has encrypted given up.
    pub salt_key_accepted: bool,
    /// The hash of the roles with the passwords that the secrets hold, or `None` where a secret is missing.
    pub roles: Option<String>,
    /// The record of what earlier set-ups have done.
    pub record: SetUpRecord,
    /// The offline folder and the parts that are missing in it, if set-up is to use one.
    pub offline_lacks: Option<(PathBuf, Vec<&'static str>)>,
}

impl Survey {
    /// Returns the Python of the machine that the environments of the services will have, if one fits.
    pub fn usable_python(&self) -> Option<&Python> {
        let mut all = self.pythons.iter().filter(|python| python.fits());
        let first = all.clone().next();
        all.find(|p| p.ensurepip).or(first)
    }

    /// Returns the Python that makes the tools' environment: the one of the other environments where it can.
    pub fn python_for_tools(&self) -> Option<&Python> {
        let others = self.pythons.iter().filter(|python| python.makes_tools());
        let mut all = self.usable_python().into_iter().chain(others);
        let first = all.clone().next();
        all.find(|p| p.ensurepip).or(first)
    }

    /// Returns what was found of a program, the preferred one first.
    pub fn found(&self, program: &Program) -> &[FoundProgram] {
        self.programs.get(program.name).map_or(&[], Vec::as_slice)
    }
}
