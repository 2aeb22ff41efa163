//! `setup.json`: what set-up has done to the database, and which programs it chose.
//!
//! Payloads need no record, their folders are one. A step of the database is recorded with what it
//! depended on and with the cluster that it was done to, so that a cluster that was removed or
//! replaced is not taken for one that is ready.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{error::SetupError, fingerprints::Fingerprints};
use crate::fs::{
    draft::{self, Survives},
    regular,
};

/// What earlier set-ups did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The cluster that all below was done to, by its system identifier.
    pub cluster: Option<u64>,
    /// The hash of the roles' names and passwords.
    pub roles: Option<String>,
    /// The secrets that it was set up with.
    pub secrets: Option<Fingerprints>,
    /// The payload whose migrations LiteLLM's database has.
    pub litellm_migrations: Option<String>,
    /// The payload whose migrations Open WebUI's database has.
    pub open_webui_migrations: Option<String>,
    /// The folder of PostgreSQL's programs that was used.
    pub postgres_bin: Option<PathBuf>,
    /// The nginx that was found.
    pub nginx: Option<PathBuf>,
    /// The folder of the `node` that was used.
    pub node_bin: Option<PathBuf>,
}

impl Record {
    /// Reads it; an empty one where there is none.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(state: &Path) -> Result<Self, SetupError> {
        let path = Self::path(state);
        let text = match regular::text(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(SetupError::io("read", &path)(e)),
        };
        serde_json::from_str(&text).map_err(|source| SetupError::Record { path, source })
    }

    /// Replaces the file as a whole: after a crash it is the old or the new one.
    pub(super) fn write(&self, state: &Path) -> Result<(), SetupError> {
        let path = Self::path(state);
        let text = serde_json::to_string_pretty(self).map_err(|source| SetupError::Record {
            path: path.clone(),
            source,
        })?;
        write_durably(&path, format!("{text}\n").as_bytes(), 0o600)
    }

    fn path(state: &Path) -> PathBuf {
        state.join("setup.json")
    }

    /// The same record if it is about `cluster`, otherwise one without its database steps.
    #[must_use]
    pub fn about(self, cluster: Option<u64>) -> Self {
        if self.cluster == cluster {
            return self;
        }
        Self {
            cluster,
            roles: None,
            secrets: None,
            litellm_migrations: None,
            open_webui_migrations: None,
            ..self
        }
    }
}

/// Writes a file that survives a loss of power.
pub(super) fn write_durably(path: &Path, contents: &[u8], mode: u32) -> Result<(), SetupError> {
    Ok(draft::replace(
        path,
        contents,
        mode,
        Survives::ALossOfPower,
    )?)
}

/// Makes the names in a folder survive a loss of power.
pub(super) fn sync_folder(folder: &Path) -> Result<(), SetupError> {
    Ok(draft::flush_folder(folder)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fs::regular::tests::{at_once, pipe_at};

    fn full() -> Record {
        Record {
            cluster: Some(7_300_000_000_000_000_001),
            roles: Some("r".into()),
            litellm_migrations: Some("1.0-aa".into()),
            open_webui_migrations: Some("2.0-bb".into()),
            nginx: Some("/usr/sbin/nginx".into()),
            ..Record::default()
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Record::read(dir.path()).unwrap(), Record::default());
        full().write(dir.path()).unwrap();
        assert_eq!(Record::read(dir.path()).unwrap(), full());
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn another_cluster_has_had_nothing_done_to_it() {
        assert_eq!(full().about(full().cluster), full());
        let other = full().about(Some(5));
        assert_eq!((other.roles, other.litellm_migrations), (None, None));
        assert_eq!(other.open_webui_migrations, None);
        assert_eq!(
            other.nginx,
            full().nginx,
            "programs have nothing to do with it"
        );
    }

    #[test]
    fn a_file_that_is_no_record_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("setup.json"), "{").unwrap();
        let error = Record::read(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("setup.json") && error.contains("remove it"),
            "{error}"
        );
    }

    #[test]
    fn a_pipe_beside_the_file_is_no_wait() {
        let dir = tempfile::tempdir().unwrap();
        pipe_at(&dir.path().join(".setup.json.new"));
        let state = dir.path().to_owned();
        at_once(move || full().write(&state)).unwrap();
    }
}
