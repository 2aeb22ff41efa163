//! The roles of the services, each with a database of its name.

use super::server::psql;
use crate::{
    provision::{error::SetupError, execution::Execution, model::Role, steps::server::Server},
    secrets::{SecretError, SecretStore},
};

/// Makes the roles and databases that are missing, and sets the passwords.
pub(super) fn make(
    execution: &mut Execution<'_>,
    server: &Server,
    roles: &[Role],
) -> Result<(), SetupError> {
    let sql = sql(roles, &execution.secrets())?;
    let call = psql(execution, server, "postgres", "making roles and databases")?.input(sql);
    execution.run(&call)
}

/// What makes the roles and databases that are missing, and sets the passwords.
pub(super) fn sql(roles: &[Role], store: &SecretStore) -> Result<String, SecretError> {
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

/// A text, as SQL writes it.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_cannot_end_its_literal() {
        assert_eq!(literal("a'; DROP ROLE x; --"), "'a''; DROP ROLE x; --'");
    }
}
