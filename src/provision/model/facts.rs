//! The machine, as far as set-up asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    damage::Damage,
    generation::{Generations, PayloadFolder},
    payload::Payload,
    programs::{Node, Postgres, Python},
    record::SetUpRecord,
};
use crate::secrets::SecretKind;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// In the order in which they are preferred.
    pub pythons: Vec<Python>,
    /// Node.js, of any version.
    pub node: Option<Node>,
    /// Newest first; only the named one where one is named.
    pub postgres: Vec<Postgres>,
    /// nginx.
    pub nginx: Option<PathBuf>,
    /// Whether the engine that the settings name can be executed.
    pub engine_is_program: bool,
    /// What the state folder's disk has left, in bytes.
    pub disk_free: u64,
    /// Payload folders that were finished.
    pub complete: BTreeSet<(Payload, String)>,
    /// What is wrong with those that were finished once.
    pub damaged: Vec<Damage>,
    /// Every payload folder that is there, finished or not.
    pub folders: BTreeSet<PayloadFolder>,
    /// Where each link `current` points, by the payload's name.
    pub links: BTreeMap<String, String>,
    /// Which generation is current, and which was before.
    pub generations: Generations,
    /// The cluster's system identifier, where there is one.
    pub cluster: Option<u64>,
    /// The major version that made it.
    pub cluster_major: Option<u32>,
    /// The process of a database server that uses it.
    pub server: Option<i32>,
    /// Secrets that are not there.
    pub secrets_missing: Vec<SecretKind>,
    /// Secrets that are not those that the database was set up with.
    pub secrets_changed: Vec<SecretKind>,
    /// Whether another salt key is taken, and what the old one has encrypted given up.
    pub salt_key_accepted: bool,
    /// The hash of the roles as the secrets want them; none without the secrets.
    pub roles: Option<String>,
    /// What earlier set-ups did.
    pub record: SetUpRecord,
    /// The offline folder, if a part of it is missing, and which.
    pub offline_lacks: Option<(PathBuf, &'static str)>,
}

impl Survey {
    /// The Python that the environments will have.
    pub fn usable_python(&self) -> Option<&Python> {
        let usable = |p: &&Python| {
            (3, 11) <= (p.version.0, p.version.1) && (p.version.0, p.version.1) < (3, 13)
        };
        let mut all = self.pythons.iter().filter(usable);
        let first = all.clone().next();
        all.find(|p| p.ensurepip).or(first)
    }

    /// The programs that fit the cluster; the newest where there is none.
    pub fn postgres_for_cluster(&self) -> Option<&Postgres> {
        self.postgres.iter().find(|p| {
            p.major >= Postgres::MINIMUM && self.cluster_major.is_none_or(|major| major == p.major)
        })
    }
}
