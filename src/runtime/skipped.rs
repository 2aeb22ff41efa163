//! Which measures of the diet the services have skipped. At its start each service writes that into a file
//! beside its rendered files. The file is read for a status, outside of the loop.

use std::path::Path;

use serde::Deserialize;
use supervise::spec::ServiceName;

use crate::{control::types::SkippedMeasure, fs::regular};

/// The file's name.
const FILE: &str = "diet-skipped.json";

/// A file that is longer than this was not written by a service.
const LONGEST: usize = 64 << 10;

#[derive(Deserialize)]
struct Entry {
    measure: String,
    reason: String,
}

/// What `service` has skipped; its rendered files are in `folder`. Empty if there is no such file, or it
/// cannot be understood.
pub(super) fn read(service: &ServiceName, folder: &Path) -> Vec<SkippedMeasure> {
    let entries = regular::text(&folder.join(FILE))
        .ok()
        .filter(|text| text.len() <= LONGEST)
        .and_then(|text| serde_json::from_str::<Vec<Entry>>(&text).ok())
        .unwrap_or_default();
    let entries = entries.into_iter();
    entries
        .map(|Entry { measure, reason }| SkippedMeasure {
            service: service.clone(),
            measure,
            reason,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_a_service_has_left_is_read_and_everything_else_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = ServiceName::new("mailer").unwrap();
        let file = folder.path().join(FILE);
        assert!(read(&mailer, folder.path()).is_empty());
        fs::write(
            &file,
            r#"[{"measure": "lazy_types", "reason": "another layout"}]"#,
        )
        .unwrap();
        let found = read(&mailer, folder.path());
        assert_eq!(
            found,
            [SkippedMeasure {
                service: mailer.clone(),
                measure: "lazy_types".into(),
                reason: "another layout".into(),
            }]
        );
        for text in ["", "{", "[1]", r#"{"measure": "a"}"#, &" ".repeat(70_000)] {
            fs::write(&file, text).unwrap();
            assert!(read(&mailer, folder.path()).is_empty());
        }
        fs::remove_file(&file).unwrap();
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(read(&mailer, folder.path()).is_empty());
    }
}
