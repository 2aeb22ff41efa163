//! A script for Open WebUI's database, by PostgreSQL's own command line.
//!
//! Values travel as data of a COPY, not in a statement: a statement that fails is logged.

use std::{io, path::PathBuf, time::Duration};

use super::child;
use crate::{
    secrets::Secret,
    services::postgres::psql::{Session, Timeouts},
};

/// How to reach Open WebUI's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// PostgreSQL's command line.
    pub psql: PathBuf,
    /// The folder of its socket.
    pub socket_folder: PathBuf,
}

/// Why a script was not done.
#[derive(Debug, thiserror::Error)]
pub enum PsqlError {
    /// psql could not be run.
    #[error("cannot run {}", program.display())]
    Run {
        /// psql.
        program: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The database said no.
    #[error("{message}")]
    Database {
        /// What psql printed.
        message: String,
    },
}

/// Runs a script and returns what it selected, one row a line.
pub(super) fn run(
    database: &Database,
    password: &Secret,
    script: &str,
) -> Result<String, PsqlError> {
    let session = Session {
        socket_folder: &database.socket_folder,
        database: "open_webui",
        role: Some(("open_webui", password)),
        timeouts: Some(Timeouts {
            connect: Duration::from_secs(5),
            // Its migrations may hold the table.
            lock: Duration::from_secs(3),
            statement: Duration::from_secs(10),
        }),
    };
    let mut command = session.command(&database.psql);
    let output = child::run(&mut command, script.as_bytes()).map_err(|source| PsqlError::Run {
        program: database.psql.clone(),
        source,
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(PsqlError::Database {
        message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// A line of COPY's text form.
pub(super) fn row(values: &[&str]) -> String {
    let escaped = values.iter().map(|value| {
        value
            .replace('\\', "\\\\")
            .replace('\t', "\\t")
            .replace('\n', "\\n")
            .replace('\r', "\\r")
    });
    escaped.collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_column() {
        assert_eq!(row(&["a\tb\n\\.", "c\rd"]), "a\\tb\\n\\\\.\tc\\rd");
    }
}
