//! Which versions of the programs that keep tables are installed, or would be.

use super::{
    catalog::Catalog,
    generations,
    model::{Packages, Payload, SetUpRecord, version},
    names::pinned,
};
use crate::config::paths::Paths;

/// The version of a part of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The name by which a script knows it.
    pub key: &'static str,
    /// The name by which a person knows it.
    pub name: &'static str,
    /// The version that is in use; if none is, the one that set-up installs.
    pub version: String,
    /// Whether it is in use.
    pub installed: bool,
}

/// The versions of all parts; without paths, those that set-up installs.
pub fn versions(catalog: &Catalog, paths: Option<&Paths>) -> Vec<Component> {
    let generations = paths.map(|paths| {
        // Where the record cannot be read, the links say what is in use.
        let record = SetUpRecord::read(&paths.state).unwrap_or_default();
        generations::read(paths, &record)
    });
    let parts = catalog
        .tables()
        .map(|all| (all.tables.name, all.tables.payload));
    let parts = parts.map(|(key, payload)| {
        let folder = generations
            .as_ref()
            .and_then(|all| all.folder(payload.name));
        let current = folder.map(|folder| version(folder).to_owned());
        Component {
            key,
            name: payload.title,
            installed: current.is_some(),
            version: current
                .or_else(|| of_lock(payload).map(str::to_owned))
                .unwrap_or_default(),
        }
    });
    parts.collect()
}

/// The version that the lock of a payload installs.
fn of_lock(payload: Payload) -> Option<&'static str> {
    match payload.packages {
        Packages::Python { lock, package } => pinned(lock, package),
        Packages::Npm { .. } | Packages::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services;

    #[test]
    fn what_is_in_use_counts_and_before_set_up_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths {
            config: folder.path().join("gateway.toml"),
            state: folder.path().to_owned(),
            run: folder.path().join("run"),
        };
        let of_lock = versions(services::catalog(), Some(&paths));
        assert!(
            of_lock
                .iter()
                .all(|part| !part.installed && part.version.contains('.'))
        );
        assert_eq!(versions(services::catalog(), None), of_lock);
        let litellm = paths.payloads().join("litellm");
        std::fs::create_dir_all(&litellm).unwrap();
        std::os::unix::fs::symlink("1.2.3-0e54695b", litellm.join("current")).unwrap();
        let found = versions(services::catalog(), Some(&paths));
        assert_eq!(
            (found[0].version.as_str(), found[0].installed),
            ("1.2.3", true)
        );
        assert!(!found[1].installed);
    }
}
