//! What set-up has left: where the programs are, and whether the secrets are still those of the
//! database. Every start asks.

use std::path::{Path, PathBuf};

use super::{
    NotSetUp,
    fingerprints::SecretsChanged,
    plan::{Payload, Wanted},
    record::Record,
    steps::{database, payload, python},
};
use crate::{
    config::{
        paths::Paths,
        settings::{EngineSource, Settings},
    },
    secrets::SecretStore,
    services::Installed,
};

/// What set-up has put where; quick, for every start.
///
/// # Errors
/// Set-up has not run, was cut off, or was run by another version or with other settings.
pub fn installed(paths: &Paths, settings: &Settings) -> Result<Installed, NotSetUp> {
    let missing = |what: String| NotSetUp { what };
    let record = Record::read(&paths.state).map_err(|e| missing(e.to_string()))?;
    let wanted = Wanted::new(settings);
    let cluster =
        database::identifier(&paths.postgres_data()).map_err(|e| missing(e.to_string()))?;
    if cluster.is_none() {
        return Err(missing("there is no database".into()));
    }
    let done = record.clone().about(cluster);
    if done.litellm_migrations.as_deref() != wanted.folder(Payload::Litellm) {
        return Err(missing(
            "LiteLLM's tables are not those of this version".into(),
        ));
    }
    if settings.open_webui.enabled
        && done.open_webui_migrations.as_deref() != wanted.folder(Payload::OpenWebui)
    {
        return Err(missing(
            "Open WebUI's tables are not those of this version".into(),
        ));
    }
    resolve(paths, settings, &wanted, &record)
}

/// Whether the secrets are those that the database was set up with.
///
/// # Errors
/// They are not.
pub fn check_secrets(paths: &Paths) -> Result<(), SecretsChanged> {
    // What cannot be read was told by [`installed`].
    let record = Record::read(&paths.state).unwrap_or_default();
    let cluster = database::identifier(&paths.postgres_data()).unwrap_or_default();
    let known = record.about(cluster).secrets;
    let store = SecretStore::new(paths.secrets());
    let changed = known.map_or_else(Vec::new, |known| known.changed(&store));
    if changed.is_empty() {
        return Ok(());
    }
    Err(SecretsChanged {
        changed,
        folder: paths.secrets(),
    })
}

/// Where each program is, of those that are wanted.
pub(super) fn resolve(
    paths: &Paths,
    settings: &Settings,
    wanted: &Wanted,
    record: &Record,
) -> Result<Installed, NotSetUp> {
    let payload = |payload: Payload| {
        let current = payload::current(paths, payload).ok();
        current
            .filter(|folder| folder.file_name().and_then(|n| n.to_str()) == wanted.folder(payload))
            .filter(|folder| payload::is_complete(folder, payload))
            .ok_or_else(|| NotSetUp {
                what: format!("{} is missing, or of another version", payload.name()),
            })
    };
    let program = |named: &Option<PathBuf>, found: &Option<PathBuf>, what: &str| {
        let path = named
            .clone()
            .or_else(|| found.clone())
            .filter(|path| path.exists());
        path.ok_or_else(|| NotSetUp {
            what: format!("{what} is not where it was"),
        })
    };
    let named_node = settings
        .programs
        .node
        .as_deref()
        .and_then(Path::parent)
        .map(Path::to_owned);
    let programs = &settings.programs;
    let open_webui = if settings.open_webui.enabled {
        payload(Payload::OpenWebui)?
    } else {
        payload::folder(paths, Payload::OpenWebui, "current")
    };
    Ok(Installed {
        postgres_bin: program(&programs.postgres_bin, &record.postgres_bin, "PostgreSQL")?,
        nginx: program(&programs.nginx, &record.nginx, "nginx")?,
        litellm: payload(Payload::Litellm)?,
        open_webui_frontend: python::frontend(&open_webui),
        open_webui,
        engine: match &settings.engine {
            EngineSource::Wasm => payload(Payload::Engine)?.join("query-engine"),
            EngineSource::Program(path) => path.clone(),
            EngineSource::Download { .. } => payload(Payload::NativeEngine)?.join("query-engine"),
        },
        node_bin: program(&named_node, &record.node_bin, "Node.js")?,
        ai_gateway: std::env::current_exe()
            .map(|path| in_place(&path))
            .map_err(|e| NotSetUp {
                what: format!("this program does not know its own path ({e})"),
            })?,
    })
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
    use super::in_place;

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
