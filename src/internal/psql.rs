//! A script for Open WebUI's database, by PostgreSQL's own command line.
//!
//! Values travel as data of a COPY, not in a statement: a statement that fails is logged.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
};

use super::Database;
use crate::secrets::Secret;

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
    let failed = |source| PsqlError::Run {
        program: database.psql.clone(),
        source,
    };
    let mut child = Command::new(&database.psql)
        .args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--no-password",
        ])
        .args(["--set", "ON_ERROR_STOP=1", "--file", "-"])
        .env_clear()
        .env("PGHOST", &database.socket_folder)
        .env("PGPORT", crate::stack::postgres::PORT.to_string())
        .env("PGUSER", "open_webui")
        .env("PGDATABASE", "open_webui")
        .env("PGPASSWORD", password.expose())
        .env("PGCONNECT_TIMEOUT", "5")
        .env("PGCLIENTENCODING", "UTF8")
        // Its migrations may hold the table.
        .env("PGOPTIONS", "-c lock_timeout=3s -c statement_timeout=10s")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut input = child.stdin.take().expect("the pipe was asked for");
    // A psql that has given up says why on its standard error.
    input
        .write_all(script.as_bytes())
        .or_else(|e| match e.kind() {
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(failed(e)),
        })?;
    drop(input);
    let output = child.wait_with_output().map_err(failed)?;
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
