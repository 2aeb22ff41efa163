//! The roles of the services in the database, as SQL that makes them, and the hash of that.

use super::{error::SetupError, hash::sha256, model::Role};
use crate::secrets::SecretStore;

/// Changes whenever a password does.
pub(crate) fn roles_hash(roles: &[Role], store: &SecretStore) -> Result<String, SetupError> {
    let sql = roles_sql(roles, store)?;
    Ok(sha256(&[sql.as_bytes()])[..32].to_owned())
}

/// Makes the roles and databases that are missing, and sets the passwords.
pub(crate) fn roles_sql(roles: &[Role], store: &SecretStore) -> Result<String, SetupError> {
    let mut sql = String::from("SET password_encryption = 'scram-sha-256';\n");
    for Role { name, password } in roles {
        let password = literal(store.read(*password)?.expose());
        // Names of ours, without anything to quote.
        sql += &format!(
            "SELECT 'CREATE ROLE {name}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}')\n\\gexec\n\
             ALTER ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {password};\n\
             SELECT 'CREATE DATABASE {name} OWNER {name}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}')\n\\gexec\n\
             REVOKE ALL ON DATABASE {name} FROM PUBLIC;\n"
        );
    }
    Ok(sql)
}

/// As SQL writes a text.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::provision::fixtures::roles;

    #[test]
    fn a_password_cannot_end_its_literal() {
        assert_eq!(literal("a'; DROP ROLE x; --"), "'a''; DROP ROLE x; --'");
    }

    #[test]
    fn the_hash_of_the_roles_follows_their_passwords_and_shows_none() {
        let dir = tempfile::tempdir().unwrap();
        let store = SecretStore::new(dir.path().join("secrets"));
        store
            .make_missing(crate::services::catalog().secrets(), None)
            .unwrap();
        let before = roles_hash(&roles(), &store).unwrap();
        assert_eq!(roles_hash(&roles(), &store).unwrap(), before);
        fs::write(
            store.path(crate::services::litellm::DATABASE_PASSWORD),
            "other",
        )
        .unwrap();
        assert_ne!(roles_hash(&roles(), &store).unwrap(), before);
    }
}
