//! All secrets at once, as the plan of the stack needs them.

use std::collections::BTreeMap;

use crate::secrets::{Secret, SecretError, SecretKind, SecretStore};

/// The values, by the names of their files. `Debug` shows none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets(BTreeMap<&'static str, Secret>);

impl Secrets {
    /// Reads all of them.
    ///
    /// # Errors
    /// The first that is missing, empty or readable by others.
    pub fn load(store: &SecretStore) -> Result<Self, SecretError> {
        Self::of(super::catalog().secrets(), store)
    }

    /// Reads these.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn of(kinds: &[SecretKind], store: &SecretStore) -> Result<Self, SecretError> {
        let kinds = kinds.iter();
        let read = kinds.map(|kind| Ok((kind.file_name, store.read(*kind)?)));
        read.collect::<Result<_, _>>().map(Self)
    }

    /// The value of one of them.
    pub(super) fn expose(&self, kind: SecretKind) -> &str {
        let secret = self.0.get(kind.file_name);
        secret.expect("every service's secrets are read").expose()
    }
}
