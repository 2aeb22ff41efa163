//! What set-up has left: where the programs are, and whether the secrets are still those of the
//! database. Every start asks.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    catalog::Catalog,
    error::{NotSetUp, SetupError},
    fingerprints::SecretsChanged,
    generations,
    installation::Installation,
    model::{Payload, SetUpRecord, Wanted},
    payload_folder,
};
use crate::{
    config::{paths::Paths, settings::Settings},
    secrets::SecretStore,
};

/// Whether a set-up of this gateway has come to its end once, by the record that it keeps.
///
/// The settings are not asked for: what they want now may be more than what was made, and then a start says
/// what is missing. A record that is there and cannot be understood was written by a set-up, too. One that
/// this user may not read says nothing.
pub fn is_set_up(paths: &Paths) -> bool {
    match SetUpRecord::find(&paths.state) {
        Ok(Some(record)) => generations::read(paths, &record).current.is_some(),
        Ok(None) => false,
        Err(error) => matches!(error, SetupError::Record { .. }),
    }
}

/// Where everything is that the services of these settings need. It looks at little, because every start asks.
///
/// # Errors
/// Set-up has not run, was cut off, or was run by another version or with other settings.
pub fn installed(
    catalog: &Catalog,
    paths: &Paths,
    settings: &Settings,
) -> Result<Installation, NotSetUp> {
    let missing = |what: String| NotSetUp { what };
    let record = SetUpRecord::read(&paths.state).map_err(|e| missing(e.to_string()))?;
    let wanted = catalog.wanted(settings);
    let cluster = catalog
        .identifier(paths)
        .map_err(|e| missing(e.to_string()))?;
    if wanted.cluster.is_some() && cluster.is_none() {
        return Err(missing("there is no database".into()));
    }
    let done = record.clone().about(cluster);
    for tables in &wanted.tables {
        let migrated = done.database.migrations.get(tables.name);
        if migrated.map(String::as_str) != wanted.folder(tables.payload.name) {
            return Err(missing(format!("{tables} are not those of this version")));
        }
    }
    let installation = resolve(catalog, paths, &wanted, &record)?;
    for payload in catalog.needed(settings) {
        installation.payload(&payload)?;
    }
    Ok(installation)
}

/// Whether the secrets are those that the database was set up with.
///
/// # Errors
/// They are not.
pub fn check_secrets(catalog: &Catalog, paths: &Paths) -> Result<(), SecretsChanged> {
    // What cannot be read was told by [`installed`].
    let record = SetUpRecord::read(&paths.state).unwrap_or_default();
    let cluster = catalog.identifier(paths).unwrap_or_default();
    let known = record.about(cluster).database.secrets;
    let store = SecretStore::new(paths.secrets());
    let kinds = catalog.secrets();
    let changed = known.map_or_else(Vec::new, |known| known.changed(kinds, &store));
    if changed.is_empty() {
        return Ok(());
    }
    Err(SecretsChanged {
        changed,
        folder: paths.secrets(),
    })
}

/// Returns where everything is that is wanted: programs, payloads and parts of them.
pub(crate) fn resolve(
    catalog: &Catalog,
    paths: &Paths,
    wanted: &Wanted,
    record: &SetUpRecord,
) -> Result<Installation, NotSetUp> {
    let generations = generations::read(paths, record);
    let folder = |payload: Payload| match wanted.folder(payload.name) {
        Some(name) => generations::current(paths, &generations, payload, Some(name)),
        // Nobody wants it, and it may be there from another time.
        None => Some(payload_folder::folder(paths, payload.name, "current")),
    };
    let payloads = catalog.payloads();
    let payloads = payloads.filter_map(|payload| Some((payload.name, folder(payload)?)));
    let place = |named: Option<&Path>, found: Option<&PathBuf>, what: &str| {
        let path = named.or_else(|| found.map(PathBuf::as_path));
        let path = path.filter(|path| path.exists());
        path.map(Path::to_owned).ok_or_else(|| NotSetUp {
            what: format!("{what} is not where it was"),
        })
    };
    let programs = wanted.programs.iter().map(|(program, named)| {
        let found = record.programs.get(program.name);
        let path = place(named.as_deref(), found, program.title)?;
        Ok((program.name, path))
    });
    let named_node = wanted.runtimes.node.as_deref().and_then(Path::parent);
    let mut installation = Installation {
        programs: programs.collect::<Result<_, _>>()?,
        node_bin: place(named_node, record.node_bin.as_ref(), "Node.js")?,
        payloads: payloads.collect(),
        parts: BTreeMap::new(),
        ai_gateway: std::env::current_exe()
            .map(|path| in_place(&path))
            .map_err(|e| NotSetUp {
                what: format!("this program does not know its own path ({e})"),
            })?,
    };
    let parts = catalog.parts(&installation);
    installation.parts = parts.into_iter().collect();
    Ok(installation)
}

/// The path of a program that may have been replaced since it was started, as by an upgrade under a
/// daemon that runs: the kernel then adds a word to what it says (proc_pid_exe(5)), and services
/// that were told that path could not run their commands.
fn in_place(path: &Path) -> PathBuf {
    let replaced = path
        .to_str()
        .and_then(|path| path.strip_suffix(" (deleted)"));
    match replaced.map(Path::new) {
        Some(there) if !path.exists() && there.exists() => there.to_owned(),
        Some(_) | None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A state folder with this record, and with links `current` to the payloads or without them.
    fn is_set_up_with(record: Option<&str>, links: bool) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths {
            config: folder.path().join("gateway.toml"),
            state: folder.path().to_owned(),
            run: folder.path().join("run"),
        };
        if let Some(record) = record {
            std::fs::write(paths.state.join("setup.json"), record).unwrap();
        }
        if links {
            let payload = paths.payloads().join("a");
            std::fs::create_dir_all(&payload).unwrap();
            symlink("1.0-01234567", payload.join("current")).unwrap();
        }
        is_set_up(&paths)
    }

    #[test]
    fn the_record_says_whether_it_is_set_up_and_the_links_do_not() {
        let of_now = r#"{"generations": {"current": {"payloads": {"a": "1.0-01234567"}}}}"#;
        assert!(is_set_up_with(Some(of_now), false), "a record, no link");
        assert!(!is_set_up_with(None, true), "a link, no record");
        assert!(!is_set_up_with(None, false), "nothing");
    }

    #[test]
    fn the_links_count_beside_a_record_from_before_the_generations() {
        let of_then = r#"{"cluster": 7, "a_migrations": "1.0-01234567"}"#;
        assert!(is_set_up_with(Some(of_then), true));
        assert!(!is_set_up_with(Some(of_then), false), "it was cut off");
    }

    #[test]
    fn a_record_that_is_damaged_was_written_by_a_set_up() {
        assert!(is_set_up_with(Some("{"), false));
    }

    #[test]
    fn a_program_that_was_replaced_is_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("ai-gateway");
        let deleted = folder.path().join("ai-gateway (deleted)");
        assert_eq!(in_place(&deleted), deleted);
        std::fs::write(&program, "").unwrap();
        assert_eq!(in_place(&deleted), program);
        assert_eq!(in_place(&program), program);
        std::fs::write(&deleted, "").unwrap();
        assert_eq!(in_place(&deleted), deleted);
    }
}
