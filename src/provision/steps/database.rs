//! The cluster, the roles and the databases.
//!
//! The cluster is made beside its place and renamed when it is whole. Its superuser is the user
//! that we run as, known to the kernel by the socket; the services' roles have passwords.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{
    payload,
    server::{Server, psql},
};
use crate::{
    fs::regular,
    provision::{
        Context,
        command::Call,
        embedded,
        error::SetupError,
        record::{sync_folder, write_durably},
    },
    secrets::{Kind, SecretStore},
};

/// Each with a database of its own name.
pub(in crate::provision) const ROLES: [(&str, Kind); 2] = [
    ("litellm", Kind::PostgresLitellmPassword),
    ("open_webui", Kind::PostgresOpenWebuiPassword),
];

/// The cluster's own number, or none where there is no cluster.
pub(in crate::provision) fn identifier(data: &Path) -> Result<Option<u64>, SetupError> {
    let path = data.join("global/pg_control");
    let mut bytes = [0; 8];
    match regular::open(&path).and_then(|mut file| file.read_exact(&mut bytes)) {
        Ok(()) => Ok(Some(u64::from_ne_bytes(bytes))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(SetupError::io("read", &path)(e)),
    }
}

/// The process of the server that uses the cluster. PostgreSQL works in its data folder, which
/// tells its process from one that was given the same number later.
pub(in crate::provision) fn running_server(data: &Path) -> Option<i32> {
    let lock = regular::text(&data.join("postmaster.pid")).ok()?;
    let pid = lock.lines().next()?.trim().parse().ok()?;
    let (there, ours) = (sys::proc::cwd(pid).ok()?, data.canonicalize().ok()?);
    // A shell may be there as well, and have the number that was the server's.
    let server = sys::proc::name(pid).ok()? == "postgres";
    (there == ours && server).then_some(pid)
}

/// Changes whenever a password does.
pub(in crate::provision) fn roles_hash(store: &SecretStore) -> Result<String, SetupError> {
    let sql = roles_sql(store)?;
    Ok(embedded::sha256(&[sql.as_bytes()])[..32].to_owned())
}

/// Makes the cluster.
pub(in crate::provision) fn cluster(cx: &mut Context<'_>) -> Result<(), SetupError> {
    let data = cx.paths.postgres_data();
    let partial = partial(&data);
    match fs::remove_dir_all(&partial) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(SetupError::io("remove", &partial)(e));
        }
        Ok(()) | Err(_) => {}
    }
    let parent = data.parent().unwrap_or(Path::new("/")).to_owned();
    payload::make_folder(&parent)?;
    let call = Call::new("making the database cluster", cx.postgres("initdb")?)
        .args(["--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"])
        .args(["--auth-local=peer", "--auth-host=scram-sha-256", "--pgdata"])
        .arg(&partial);
    cx.run(&call)?;
    write_durably(
        &partial.join("pg_hba.conf"),
        hba(&cx.user()?).as_bytes(),
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
pub(in crate::provision) fn roles(cx: &mut Context<'_>, server: &Server) -> Result<(), SetupError> {
    let sql = roles_sql(&cx.secrets())?;
    let call = psql(cx, server, "postgres", "making roles and databases")?.input(sql);
    cx.run(&call)
}

fn roles_sql(store: &SecretStore) -> Result<String, SetupError> {
    let mut sql = String::from("SET password_encryption = 'scram-sha-256';\n");
    for (role, password) in ROLES {
        let password = literal(store.read(password)?.expose());
        // Names of ours, without anything to quote.
        sql += &format!(
            "SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')\n\\gexec\n\
             ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {password};\n\
             SELECT 'CREATE DATABASE {role} OWNER {role}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{role}')\n\\gexec\n\
             REVOKE ALL ON DATABASE {role} FROM PUBLIC;\n"
        );
    }
    Ok(sql)
}

/// As SQL writes a text.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_cannot_end_its_literal() {
        assert_eq!(literal("a'; DROP ROLE x; --"), "'a''; DROP ROLE x; --'");
    }

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

    #[test]
    fn the_hash_of_the_roles_follows_their_passwords_and_shows_none() {
        let dir = tempfile::tempdir().unwrap();
        let store = SecretStore::new(dir.path().join("secrets"));
        store.make_missing(None).unwrap();
        let before = roles_hash(&store).unwrap();
        assert_eq!(roles_hash(&store).unwrap(), before);
        fs::write(store.path(Kind::PostgresLitellmPassword), "other").unwrap();
        assert_ne!(roles_hash(&store).unwrap(), before);
    }

    #[test]
    fn a_cluster_is_known_by_its_number_and_a_missing_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(identifier(dir.path()).unwrap(), None);
        fs::create_dir(dir.path().join("global")).unwrap();
        fs::write(dir.path().join("global/pg_control"), 77_u64.to_ne_bytes()).unwrap();
        assert_eq!(identifier(dir.path()).unwrap(), Some(77));
    }

    #[test]
    fn a_number_left_in_a_lock_is_not_a_running_server() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(running_server(dir.path()), None);
        fs::write(
            dir.path().join("postmaster.pid"),
            format!("{}\n", std::process::id()),
        )
        .unwrap();
        assert_eq!(
            running_server(dir.path()),
            None,
            "we do not work in that folder"
        );
    }
}
