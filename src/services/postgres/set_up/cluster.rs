//! The database cluster: how it is made, and what can be told of it from outside.
//!
//! It is made beside its place and renamed when it is whole. Its superuser is the user that we run as, whom the kernel
//! knows at the socket; the services' roles have passwords.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::program::PROGRAM;
use crate::{
    fs::regular,
    provision::{
        command::Call,
        error::SetupError,
        execution::Execution,
        folders::{make_folder, remove, sync_folder, write_durably},
        model::UnreadableCluster,
    },
    services::postgres,
};

/// The cluster's own number, or `None` where there is no cluster.
pub(super) fn identifier(data: &Path) -> Result<Option<u64>, UnreadableCluster> {
    let path = data.join("global/pg_control");
    let mut bytes = [0; 8];
    match regular::open(&path).and_then(|mut file| file.read_exact(&mut bytes)) {
        Ok(()) => Ok(Some(u64::from_ne_bytes(bytes))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(UnreadableCluster { path, source }),
    }
}

/// The process of the server that uses the cluster. PostgreSQL works in its data folder, which
/// tells its process from one that was given the same number later.
pub(super) fn running_server(data: &Path) -> Option<i32> {
    let lock = regular::text(&data.join("postmaster.pid")).ok()?;
    let pid = lock.lines().next()?.trim().parse().ok()?;
    let (there, ours) = (sys::proc::cwd(pid).ok()?, data.canonicalize().ok()?);
    // A shell may be there as well, and have the number that was the server's.
    let server = sys::proc::name(pid).ok()? == "postgres";
    (there == ours && server).then_some(pid)
}

/// The major version of PostgreSQL that made the cluster.
pub(super) fn major(data: &Path) -> Option<u32> {
    let mut text = String::new();
    regular::open(&data.join("PG_VERSION"))
        .ok()?
        .take(16)
        .read_to_string(&mut text)
        .ok()?;
    text.trim().parse().ok()
}

/// Makes the cluster.
pub(super) fn make(execution: &mut Execution<'_>) -> Result<(), SetupError> {
    let data = postgres::data(execution.paths);
    let partial = partial(&data);
    remove(&partial)?;
    let parent = data.parent().unwrap_or(Path::new("/")).to_owned();
    make_folder(&parent)?;
    let call = Call::new(
        "making the database cluster",
        execution.program(&PROGRAM)?.join("initdb"),
    )
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

#[cfg(test)]
mod tests {
    use super::*;

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
