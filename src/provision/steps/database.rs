//! The cluster, the roles and the databases.
//!
//! The cluster is made beside its place and renamed when it is whole. Its superuser is the user
//! that we run as, known to the kernel by the socket; the services' roles have passwords.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::server::{Server, psql};
use crate::provision::{
    command::Call,
    error::SetupError,
    execution::Execution,
    folders::{make_folder, remove, sync_folder, write_durably},
    model::Role,
    roles::roles_sql,
};

/// Makes the cluster.
pub(crate) fn cluster(execution: &mut Execution<'_>) -> Result<(), SetupError> {
    let data = execution.paths.postgres_data();
    let partial = partial(&data);
    remove(&partial)?;
    let parent = data.parent().unwrap_or(Path::new("/")).to_owned();
    make_folder(&parent)?;
    let call = Call::new("making the database cluster", execution.postgres("initdb")?)
        .args(["--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"])
        .args(["--auth-local=peer", "--auth-host=scram-sha-256", "--pgdata"])
        .arg(&partial);
    execution.run(&call)?;
    write_durably(
        &partial.join("pg_hba.conf"),
        hba(&execution.user()?).as_bytes(),
        0o600,
    )?;
    fs::rename(&partial, &data).map_err(SetupError::io("rename", &partial))?;
    sync_folder(&parent)
}

fn partial(data: &Path) -> PathBuf {
    data.with_extension("partial")
}

/// Who may connect, and how they prove who they are. No address is listened on.
fn hba(superuser: &str) -> String {
    let superuser = superuser.replace('"', "\"\"");
    format!(
        "# Made by ai-gateway setup.\n\
         # type  database  user  method\n\
         local   all       \"{superuser}\"  peer\n\
         local   all       all   scram-sha-256\n"
    )
}

/// Makes the roles and databases that are missing, and sets the passwords.
pub(crate) fn roles(
    execution: &mut Execution<'_>,
    server: &Server,
    roles: &[Role],
) -> Result<(), SetupError> {
    let sql = roles_sql(roles, &execution.secrets())?;
    let call = psql(execution, server, "postgres", "making roles and databases")?.input(sql);
    execution.run(&call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_superuser_gets_in_without_a_password() {
        let text = hba("o'd\"d");
        let lines: Vec<_> = text.lines().filter(|l| !l.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "local   all       \"o'd\"\"d\"  peer",
                "local   all       all   scram-sha-256"
            ]
        );
    }
}
