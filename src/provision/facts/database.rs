//! The database cluster, looked at from outside.

use std::{
    io::{self, Read as _},
    path::Path,
};

use crate::{fs::regular, provision::error::SetupError};

/// The cluster's own number, or none where there is no cluster.
pub(crate) fn identifier(data: &Path) -> Result<Option<u64>, SetupError> {
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
pub(crate) fn running_server(data: &Path) -> Option<i32> {
    let lock = regular::text(&data.join("postmaster.pid")).ok()?;
    let pid = lock.lines().next()?.trim().parse().ok()?;
    let (there, ours) = (sys::proc::cwd(pid).ok()?, data.canonicalize().ok()?);
    // A shell may be there as well, and have the number that was the server's.
    let server = sys::proc::name(pid).ok()? == "postgres";
    (there == ours && server).then_some(pid)
}

/// The major version of PostgreSQL that made the cluster.
pub(crate) fn major(data: &Path) -> Option<u32> {
    let mut text = String::new();
    regular::open(&data.join("PG_VERSION"))
        .ok()?
        .take(16)
        .read_to_string(&mut text)
        .ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

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
}
