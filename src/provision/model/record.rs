//! What set-up has done, as it is recorded.
//!
//! A step of the database is recorded with what it depended on and with the cluster that it was done
//! to, so that a cluster that was removed or replaced is not taken for one that is ready.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{database::DatabaseState, generation::Generations};
use crate::provision::fingerprints::Fingerprints;

/// What earlier set-ups have done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct SetUpRecord {
    /// The database as it is now. It may be ahead of the current generation: the migrations come
    /// before the switch.
    pub database: DatabaseState,
    /// The places of the programs that services need, by the programs' names.
    pub programs: BTreeMap<String, PathBuf>,
    /// The folder of the `node` that was used.
    pub node_bin: Option<PathBuf>,
    /// Which generation is current, and which was before. It is `None` where a set-up wrote the record that
    /// kept no generations.
    pub generations: Option<Generations>,
}

impl SetUpRecord {
    /// The same record if it is about `cluster`, otherwise one without its database steps.
    #[must_use]
    pub fn about(self, cluster: Option<u64>) -> Self {
        Self {
            database: self.database.about(cluster),
            ..self
        }
    }
}

/// The same as it stands in the file: in the layout of the first version, so that a program from
/// before the generations, put back, finds what it looks for.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Written {
    cluster: Option<u64>,
    roles: Option<String>,
    secrets: Option<Fingerprints>,
    #[serde(skip_serializing_if = "Option::is_none")]
    major: Option<u32>,
    node_bin: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generations: Option<Generations>,
    /// `<tables>_migrations`, the place of each program by its name, and what another version may have written.
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// What the name of a key of migrations ends with.
const MIGRATIONS: &str = "_migrations";

impl From<Written> for SetUpRecord {
    fn from(written: Written) -> Self {
        let texts = written.rest.iter();
        let texts = texts.filter_map(|(key, value)| Some((key, value.as_str()?)));
        let migrations = texts.clone().filter_map(|(key, text)| {
            let tables = key.strip_suffix(MIGRATIONS)?;
            Some((tables.to_owned(), text.to_owned()))
        });
        // The place of a program is absolute, and the folder of a payload is no path.
        let programs = texts.filter(|(_, text)| text.starts_with('/'));
        let programs = programs.map(|(key, text)| (key.clone(), text.into()));
        Self {
            database: DatabaseState {
                cluster: written.cluster,
                major: written.major,
                roles: written.roles,
                secrets: written.secrets,
                migrations: migrations.collect(),
            },
            programs: programs.collect(),
            node_bin: written.node_bin,
            generations: written.generations,
        }
    }
}

impl From<SetUpRecord> for Written {
    fn from(record: SetUpRecord) -> Self {
        let database = record.database;
        let migrations = database.migrations.into_iter();
        let migrations = migrations.map(|(tables, of)| (tables + MIGRATIONS, Value::String(of)));
        // A path that is no text has no place in JSON. Without it a start says that the program is not there.
        let programs = record.programs.into_iter();
        let programs = programs
            .filter_map(|(name, path)| Some((name, Value::String(path.to_str()?.to_owned()))));
        Self {
            cluster: database.cluster,
            roles: database.roles,
            secrets: database.secrets,
            major: database.major,
            node_bin: record.node_bin,
            generations: record.generations,
            rest: migrations.chain(programs).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the last version without generations wrote it.
    const BEFORE: &str = r#"{
  "cluster": 7300000000000000001,
  "roles": "0123",
  "secrets": {"salt": "00", "of": {"litellm-salt-key": "11"}},
  "litellm_migrations": "1.2.3-01234567",
  "open_webui_migrations": null,
  "postgres_bin": "/usr/lib/postgresql/15/bin",
  "nginx": "/usr/sbin/nginx",
  "node_bin": "/usr/bin"
}"#;

    #[test]
    fn a_record_from_before_the_generations_is_understood() {
        let record: SetUpRecord = serde_json::from_str(BEFORE).unwrap();
        assert_eq!(record.database.cluster, Some(7_300_000_000_000_000_001));
        let migrations = [("litellm".to_owned(), "1.2.3-01234567".to_owned())];
        assert_eq!(record.database.migrations, migrations.into());
        assert!(record.database.secrets.is_some());
        assert_eq!(record.node_bin, Some("/usr/bin".into()));
        let programs = [
            ("nginx", "/usr/sbin/nginx"),
            ("postgres_bin", "/usr/lib/postgresql/15/bin"),
        ];
        let programs = programs.map(|(name, path)| (name.to_owned(), path.into()));
        assert_eq!(record.programs, programs.into());
        assert_eq!(record.generations, None);
    }

    #[test]
    fn what_a_program_from_before_looks_for_is_where_it_was() {
        let mut record: SetUpRecord = serde_json::from_str(BEFORE).unwrap();
        let database = &record.database;
        let payloads = [("litellm".to_owned(), "1.2.3-01234567".to_owned())].into();
        record.generations = Some(Generations::default().switched(&payloads, database));
        let now: Value = serde_json::to_value(&record).unwrap();
        let before: Value = serde_json::from_str(BEFORE).unwrap();
        for (key, value) in before.as_object().unwrap() {
            assert!(now[key] == *value, "{key}: {}", now[key]);
        }
        assert_eq!(serde_json::from_value::<SetUpRecord>(now).unwrap(), record);
    }

    #[test]
    fn a_program_more_is_kept_where_one_from_before_does_not_look() {
        let mut record: SetUpRecord = serde_json::from_str(BEFORE).unwrap();
        record.programs.insert("cache".into(), "/opt/cache".into());
        let text = serde_json::to_string(&record).unwrap();
        assert!(text.contains("\"cache\":\"/opt/cache\""), "{text}");
        assert_eq!(serde_json::from_str::<SetUpRecord>(&text).unwrap(), record);
    }

    #[test]
    fn another_cluster_has_had_nothing_done_to_it() {
        let record: SetUpRecord = serde_json::from_str(BEFORE).unwrap();
        let cluster = record.database.cluster;
        assert_eq!(record.clone().about(cluster), record);
        let other = record.clone().about(Some(5));
        let new = DatabaseState {
            cluster: Some(5),
            ..DatabaseState::default()
        };
        assert_eq!(other.database, new);
        assert_eq!(
            other.programs, record.programs,
            "programs have nothing to do with it"
        );
    }
}
