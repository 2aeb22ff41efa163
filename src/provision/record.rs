//! `setup.json`: the record of what set-up has done, and of the generations, on the disk.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{error::SetupError, folders::write_durably, model::SetUpRecord};
use crate::fs::regular;

impl SetUpRecord {
    /// Reads it; an empty one where there is none.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(state: &Path) -> Result<Self, SetupError> {
        Self::find(state).map(Option::unwrap_or_default)
    }

    /// Reads it; none where there is none.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub(super) fn find(state: &Path) -> Result<Option<Self>, SetupError> {
        let path = Self::path(state);
        let text = match regular::text(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(SetupError::io("read", &path)(e)),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|source| SetupError::Record { path, source })
    }

    /// Replaces the file as a whole: after a crash it is the old or the new one.
    pub(crate) fn write(&self, state: &Path) -> Result<(), SetupError> {
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
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fs::regular::tests::{at_once, pipe_at};
    use crate::provision::model::DatabaseState;

    fn full() -> SetUpRecord {
        let migrations = [("a", "1.0-aa"), ("b", "2.0-bb")];
        SetUpRecord {
            database: DatabaseState {
                cluster: Some(7_300_000_000_000_000_001),
                roles: Some("r".into()),
                migrations: migrations
                    .map(|(tables, of)| (tables.to_owned(), of.to_owned()))
                    .into(),
                ..DatabaseState::default()
            },
            programs: [("a".to_owned(), "/usr/bin/a".into())].into(),
            ..SetUpRecord::default()
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            SetUpRecord::read(dir.path()).unwrap(),
            SetUpRecord::default()
        );
        full().write(dir.path()).unwrap();
        assert_eq!(SetUpRecord::read(dir.path()).unwrap(), full());
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_file_that_is_no_record_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("setup.json"), "{").unwrap();
        let error = SetUpRecord::read(dir.path()).unwrap_err().to_string();
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
