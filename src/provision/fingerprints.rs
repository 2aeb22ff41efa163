//! The secrets as the database knows them: a salted hash of each, kept in set-up's record.
//!
//! A secret that was changed or taken from another backup than the database shows up in odd ways and
//! late: a provider's key that does not decrypt, a password that is refused. So a start compares, and
//! refuses with the way out. A person may change a secret on purpose, and set-up then takes it; but
//! not the salt key, unless that is asked for, because what it has encrypted is lost.
//!
//! Whoever declares a secret says whether it is compared.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::hash::hex;
use crate::secrets::{SecretError, SecretKind, SecretStore, go_on};

/// A salted hash of each secret, by the name of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    salt: String,
    of: BTreeMap<String, String>,
}

/// Secrets are not those that the database was set up with, so a start would go wrong later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: not what the database was set up with",
    names(.changed)
)]
pub struct SecretsChanged {
    /// The secrets that have changed.
    pub changed: Vec<SecretKind>,
    /// The folder of the secrets.
    pub folder: PathBuf,
}

fn names(kinds: &[SecretKind]) -> String {
    let names: Vec<_> = kinds.iter().map(|kind| kind.file_name).collect();
    names.join(", ")
}

impl SecretsChanged {
    /// Returns the ways out.
    pub fn hints(&self) -> Vec<String> {
        ways_out(&self.changed, &self.folder)
    }
}

/// A start cannot go without these secrets, and new ones would be others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: missing or empty, and the database was set up with what was there",
    names(.lost)
)]
pub struct SecretsLost {
    /// The secrets that are missing.
    pub lost: Vec<SecretKind>,
    /// The folder of the secrets.
    pub folder: PathBuf,
}

impl SecretsLost {
    /// Returns the ways out.
    pub fn hints(&self) -> Vec<String> {
        ways_out(&self.lost, &self.folder)
    }
}

/// The backup first, then what goes on without it, with what is lost by that.
fn ways_out(kinds: &[SecretKind], folder: &Path) -> Vec<String> {
    let restore = format!("restore {} from its backup", folder.display());
    let lost: Vec<_> = kinds.iter().map(|kind| kind.lost).collect();
    let go_on = format!(
        "or, to go on without it: '{}' ({})",
        go_on(kinds),
        lost.join("; ")
    );
    vec![restore, go_on]
}

impl Fingerprints {
    /// Makes the fingerprints of the secrets as they are. The salt of `before` is kept, so that nothing is written
    /// anew for nothing.
    pub(crate) fn of(
        kinds: &[SecretKind],
        store: &SecretStore,
        before: Option<&Self>,
    ) -> Result<Self, SecretError> {
        let salt = match before {
            Some(before) => before.salt.clone(),
            None => store.random(16)?,
        };
        let compared = kinds.iter().filter(|kind| kind.compared);
        let of = compared
            .map(|kind| Ok((kind.file_name.to_owned(), hash(store, *kind, &salt)?)))
            .collect::<Result<_, SecretError>>()?;
        Ok(Self { salt, of })
    }

    /// Whether the database was set up with a secret of this kind.
    pub(crate) fn knows(&self, kind: SecretKind) -> bool {
        self.of.contains_key(kind.file_name)
    }

    /// The same, and those of secrets that the database was set up without. All others stay as they are, whatever
    /// their secrets are now.
    pub(crate) fn with(
        mut self,
        new: &[SecretKind],
        store: &SecretStore,
    ) -> Result<Self, SecretError> {
        for kind in new.iter().filter(|kind| kind.compared) {
            let hash = hash(store, *kind, &self.salt)?;
            self.of.entry(kind.file_name.to_owned()).or_insert(hash);
        }
        Ok(self)
    }

    /// Returns the secrets that are others now. One that cannot be read is not among them: it is told where it is
    /// needed.
    pub fn changed(&self, kinds: &[SecretKind], store: &SecretStore) -> Vec<SecretKind> {
        let changed = |kind: &SecretKind| {
            let known = self.of.get(kind.file_name);
            let now = hash(store, *kind, &self.salt).ok();
            known.is_some() && now.is_some() && known != now.as_ref()
        };
        kinds.iter().filter(|kind| changed(kind)).copied().collect()
    }
}

fn hash(store: &SecretStore, kind: SecretKind, salt: &str) -> Result<String, SecretError> {
    let secret = store.read(kind)?;
    let mut hash = Sha256::new();
    for part in [salt, kind.file_name, secret.expose()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    Ok(hex(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_byte_of_any_secret_is_noticed_and_none_can_be_read_from_it() {
        let kinds = crate::services::catalog().secrets();
        let dir = tempfile::tempdir().unwrap();
        let store = SecretStore::new(dir.path().join("secrets"));
        store.make_missing(kinds, None).unwrap();
        let known = Fingerprints::of(kinds, &store, None).unwrap();
        assert_eq!(known.changed(kinds, &store), []);
        assert_eq!(
            Fingerprints::of(kinds, &store, Some(&known)).unwrap(),
            known
        );
        let text = serde_json::to_string(&known).unwrap();
        for kind in kinds.iter().copied().filter(|kind| kind.compared) {
            let before = store.read(kind).unwrap();
            assert!(!text.contains(before.expose()));
            let mut bytes = before.expose().as_bytes().to_vec();
            bytes[5] ^= 1;
            fs::write(store.path(kind), bytes).unwrap();
            assert_eq!(known.changed(kinds, &store), [kind]);
            fs::write(store.path(kind), before.expose()).unwrap();
        }
        store
            .renew(crate::services::open_webui::VIRTUAL_KEY)
            .unwrap();
        assert_eq!(known.changed(kinds, &store), []);
    }

    #[test]
    fn the_ways_out_say_what_is_lost() {
        let error = |changed| SecretsChanged {
            changed,
            folder: "/srv/secrets".into(),
        };
        let salt = error(vec![crate::services::litellm::SALT_KEY]);
        assert_eq!(
            salt.to_string(),
            "litellm-salt-key: not what the database was set up with"
        );
        assert_eq!(
            salt.hints(),
            [
                "restore /srv/secrets from its backup",
                "or, to go on without it: 'ai-gateway setup --accept-salt-key' (the providers' keys \
                 that were saved in LiteLLM cannot be read again and have to be entered anew)"
            ]
        );
        let two = error(vec![
            crate::services::litellm::MASTER_KEY,
            crate::services::open_webui::SECRET_KEY,
        ]);
        assert_eq!(
            two.hints()[1],
            "or, to go on without it: 'ai-gateway setup' (whoever uses the master key needs the \
             new one; everybody has to log in to Open WebUI again)"
        );
    }
}
