//! What set-up finds on the machine. Looking only: nothing here changes anything.
//!
//! What is found is a value of the model ([`Survey`]). `programs` asks the programs of the distribution. How the
//! database cluster is looked at comes with what is wanted.

mod programs;

use std::path::{Path, PathBuf};

use super::{
    brought_python,
    environment::Environment,
    error::SetupError,
    generations::{self, PayloadSurvey},
    model::{Cluster, SetUpRecord, Wanted},
    options::SetUpOptions,
    roles::roles_hash,
};
use crate::{config::paths::Paths, secrets::SecretStore};

pub use super::model::{Node, Python, Survey};

impl Survey {
    /// Looks at the machine, at what earlier set-ups have left, and at the secrets.
    ///
    /// # Errors
    /// Something of our own cannot be read.
    pub fn gather(
        paths: &Paths,
        options: &SetUpOptions,
        wanted: &Wanted,
    ) -> Result<Self, SetupError> {
        let store = SecretStore::new(paths.secrets());
        let secrets_missing: Vec<_> = wanted
            .secrets
            .iter()
            .copied()
            .filter(|kind| !store.holds(*kind).unwrap_or(true))
            .collect();
        let roles = match &wanted.cluster {
            Some(cluster) if secrets_missing.is_empty() => {
                Some(roles_hash(cluster, &wanted.roles, &store)?)
            }
            Some(_) | None => None,
        };
        let record = SetUpRecord::read(&paths.state)?;
        let found = match &wanted.cluster {
            Some(cluster) => FoundCluster::look(cluster, paths)?,
            None => FoundCluster::default(),
        };
        let cluster = found.identifier;
        let known = record.clone().about(cluster).database.secrets;
        let secrets_changed =
            known.map_or_else(Vec::new, |known| known.changed(&wanted.secrets, &store));
        let PayloadSurvey {
            complete,
            damaged,
            folders,
            links,
        } = generations::survey(paths, wanted);
        Ok(Self {
            disk_free: disk_free(&paths.state)?,
            complete,
            damaged,
            folders,
            links,
            generations: generations::read(paths, &record),
            cluster,
            cluster_major: found.major,
            server: found.server,
            secrets_missing,
            secrets_changed,
            salt_key_accepted: options.accept_salt_key,
            roles,
            record,
            offline_lacks: options.offline.as_deref().map(offline_lacks),
            ..Self::of_programs(wanted, paths, &options.environment)
        })
    }

    /// Looks for the programs of the distribution alone, which fails on no machine.
    pub fn of_programs(wanted: &Wanted, paths: &Paths, environment: &Environment) -> Self {
        programs::find(wanted, paths, environment)
    }
}

/// What can be told of the database cluster from outside.
#[derive(Default)]
struct FoundCluster {
    identifier: Option<u64>,
    major: Option<u32>,
    server: Option<i32>,
}

impl FoundCluster {
    fn look(cluster: &Cluster, paths: &Paths) -> Result<Self, SetupError> {
        let data = (cluster.data)(paths);
        Ok(Self {
            identifier: (cluster.identifier)(&data)?,
            major: (cluster.major)(&data),
            server: (cluster.running_server)(&data),
        })
    }
}

fn offline_lacks(folder: &Path) -> (PathBuf, Vec<&'static str>) {
    let parts = ["wheels", "npm", brought_python::IN_BUNDLE].into_iter();
    let missing = parts.filter(|part| !folder.join(part).is_dir());
    (folder.to_owned(), missing.collect())
}

fn disk_free(state: &Path) -> Result<u64, SetupError> {
    let there = state
        .ancestors()
        .find(|p| p.exists())
        .unwrap_or(Path::new("/"));
    let stat = nix::sys::statvfs::statvfs(there)
        .map_err(|e| SetupError::io("look at the free space of", there)(e.into()))?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
}
