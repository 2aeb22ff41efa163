//! The secrets that are missing when a gateway starts: which of them it has lost, and which it never had.
//!
//! A newer program may need a secret that an older one did not. A gateway that was set up before never had it,
//! so nothing depends on an earlier value, and the start makes one. A secret that was there once is another
//! matter: the start refuses, with the way out. The record of set-up tells the two apart, because it has a
//! fingerprint of each secret that the database is held to.
//!
//! Each missing secret is in one of three states ([`State`]), which [`state`] finds out and which is pure. Only
//! the plan of a start calls this, after it has found that the gateway is set up.

use super::{
    catalog::Catalog,
    error::{NotSetUp, SetupError},
    fingerprints::{Fingerprints, SecretsLost},
    model::SetUpRecord,
    session,
};
use crate::{
    config::paths::Paths,
    secrets::{SecretError, SecretKind, SecretStore},
};

/// Why a start cannot make the secrets that are missing.
#[derive(Debug, thiserror::Error)]
pub enum MissingSecrets {
    /// Secrets that were there once are missing.
    #[error(transparent)]
    Lost(#[from] SecretsLost),
    /// Only set-up can make the secrets that are missing.
    #[error(transparent)]
    NotSetUp(#[from] NotSetUp),
    /// Set-up is running, or the record cannot be read or written.
    #[error(transparent)]
    SetUp(#[from] SetupError),
    /// The kernel has refused to read or write one.
    #[error(transparent)]
    Secrets(#[from] SecretError),
}

/// What is known of a secret that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing depends on an earlier value.
    New,
    /// The database was set up with it.
    Lost,
    /// It may not be made by a start, or nobody knows whether there was one.
    OfSetUp,
}

/// What a missing secret is, by what the record knows of the database's secrets. `known` is `None` where a set-up
/// wrote the record that kept no fingerprints.
fn state(kind: SecretKind, known: Option<&Fingerprints>) -> State {
    match known {
        Some(known) if known.knows(kind) => State::Lost,
        None if kind.compared => State::OfSetUp,
        Some(_) | None if kind.made_at_start => State::New,
        Some(_) | None => State::OfSetUp,
    }
}

/// Makes the secrets that this gateway never had, and says which these were. Nothing is made if another one is
/// missing that a start may not make. The record gets their fingerprints, so that they are known to be lost if
/// they are missing at a later start.
///
/// # Errors
/// See [`MissingSecrets`].
pub fn make_new_secrets(
    catalog: &Catalog,
    paths: &Paths,
) -> Result<Vec<SecretKind>, MissingSecrets> {
    let kinds = catalog.secrets();
    let store = SecretStore::new(paths.secrets());
    if missing(kinds, &store)?.is_empty() {
        return Ok(Vec::new());
    }
    // Set-up makes secrets and writes the record, too.
    let _alone = session::lock(&paths.state)?;
    let cluster = catalog.identifier(paths).map_err(SetupError::from)?;
    let mut record = SetUpRecord::read(&paths.state)?.about(cluster);
    let missing = missing(kinds, &store)?;
    let of = |wanted| {
        let known = record.database.secrets.as_ref();
        let kinds = missing.iter().copied();
        kinds.filter(move |kind| state(*kind, known) == wanted)
    };
    let lost: Vec<_> = of(State::Lost).collect();
    if !lost.is_empty() {
        let folder = paths.secrets();
        return Err(SecretsLost { lost, folder }.into());
    }
    if let Some(kind) = of(State::OfSetUp).next() {
        let what = format!(
            "the secret {} is missing, and only set-up makes it",
            kind.file_name
        );
        return Err(NotSetUp { what }.into());
    }
    let new: Vec<_> = of(State::New).collect();
    let made = store.make_missing(&new, None)?;
    if let Some(known) = record.database.secrets.take() {
        record.database.secrets = Some(known.with(&made, &store)?);
        let generations = record.generations.take();
        record.generations = generations.map(|all| all.with_database(&record.database));
        record.write(&paths.state)?;
    }
    Ok(made)
}

/// Returns the secrets that have no file, or a file with nothing in it.
fn missing(kinds: &[SecretKind], store: &SecretStore) -> Result<Vec<SecretKind>, SecretError> {
    let mut missing = Vec::new();
    for kind in kinds.iter().copied() {
        if !store.holds(kind)? {
            missing.push(kind);
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests;
