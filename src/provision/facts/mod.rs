//! What set-up finds on the machine. Looking only: nothing here changes anything.
//!
//! What is found is a value of the model ([`Survey`]). `programs` asks the programs of the
//! distribution, and `database` looks at the cluster.

pub(crate) mod database;
mod programs;

use std::path::{Path, PathBuf};

use super::{
    environment::Environment,
    error::SetupError,
    generations::{self, PayloadSurvey},
    model::{Programs, SetUpRecord, Wanted},
    options::SetUpOptions,
    roles::roles_hash,
};
use crate::{config::paths::Paths, secrets::SecretStore};

pub use super::model::{Node, Postgres, Python, Survey};

impl Survey {
    /// Looks.
    ///
    /// # Errors
    /// Something of our own cannot be read.
    pub fn gather(
        paths: &Paths,
        options: &SetUpOptions,
        wanted: &Wanted,
    ) -> Result<Self, SetupError> {
        let store = SecretStore::new(paths.secrets());
        let data = paths.postgres_data();
        let secrets_missing: Vec<_> = wanted
            .secrets
            .iter()
            .copied()
            .filter(|kind| !store.holds(*kind).unwrap_or(true))
            .collect();
        let roles = if secrets_missing.is_empty() {
            Some(roles_hash(&wanted.roles, &store)?)
        } else {
            None
        };
        let record = SetUpRecord::read(&paths.state)?;
        let cluster = database::identifier(&data)?;
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
            cluster_major: database::major(&data),
            server: database::running_server(&data),
            secrets_missing,
            secrets_changed,
            salt_key_accepted: options.accept_salt_key,
            roles,
            record,
            offline_lacks: options.offline.as_deref().and_then(offline_lacks),
            ..Self::of_programs(&wanted.programs, paths, &options.environment)
        })
    }

    /// Looks for the programs of the distribution alone, which fails on no machine.
    pub fn of_programs(programs: &Programs, paths: &Paths, environment: &Environment) -> Self {
        programs::find(programs, paths, environment)
    }
}

fn offline_lacks(folder: &Path) -> Option<(PathBuf, &'static str)> {
    ["wheels", "npm"]
        .into_iter()
        .find(|part| !folder.join(part).is_dir())
        .map(|part| (folder.to_owned(), part))
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
