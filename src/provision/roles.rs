//! The hash of the roles of the services in the database, by which set-up knows that they have changed.

use super::{
    error::SetupError,
    hash::sha256,
    model::{Cluster, Role},
};
use crate::secrets::SecretStore;

/// Changes whenever a password does.
pub(crate) fn roles_hash(
    cluster: &Cluster,
    roles: &[Role],
    store: &SecretStore,
) -> Result<String, SetupError> {
    let text = (cluster.roles)(roles, store)?;
    Ok(sha256(&[text.as_bytes()])[..32].to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{provision::fixtures, services};

    #[test]
    fn the_hash_of_the_roles_follows_their_passwords_and_shows_none() {
        let dir = tempfile::tempdir().unwrap();
        let store = SecretStore::new(dir.path().join("secrets"));
        let catalog = services::catalog();
        store.make_missing(catalog.secrets(), None).unwrap();
        let cluster = &catalog.database().unwrap().cluster;
        let roles = fixtures::roles();
        let hash = || roles_hash(cluster, &roles, &store).unwrap();
        let before = hash();
        assert_eq!(hash(), before);
        fs::write(store.path(roles[0].password), "other").unwrap();
        assert_ne!(hash(), before);
    }
}
