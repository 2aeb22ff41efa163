//! The connection to LiteLLM that Open WebUI keeps in its database.
//!
//! Open WebUI copies its address and key from the environment at its first start, and reads only
//! that copy ever after. So a new key or another port has to get into the copy. A connection is
//! ours if its address or its key is: either may have changed, not both between two starts.

use std::{
    io::{self, Write as _},
    process::{Command, Stdio},
};

use super::Database;
use crate::secrets::Secret;

/// Why the copy could not be mended.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// psql could not be run.
    #[error("cannot run {}", program.display())]
    Run {
        /// psql.
        program: std::path::PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The database said no.
    #[error("cannot write Open WebUI's connection into its database: {message}")]
    Database {
        /// What psql printed.
        message: String,
    },
}

/// Mends the copy, and returns how many settings were changed: none when all is well, or when Open
/// WebUI has never been started.
pub(super) fn mend(
    database: &Database,
    password: &Secret,
    address: &str,
    key: &Secret,
) -> Result<usize, ConnectionError> {
    let failed = |source| ConnectionError::Run {
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
        // Its migrations may hold the table.
        .env("PGOPTIONS", "-c lock_timeout=3s -c statement_timeout=10s")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let script = SCRIPT.replace("@ROW@", &row(&[address, key.expose()]));
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
        return Ok(String::from_utf8_lossy(&output.stdout).lines().count());
    }
    Err(ConnectionError::Database {
        message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// A line of COPY's text form.
fn row(values: &[&str]) -> String {
    let escaped = values.iter().map(|value| {
        value
            .replace('\\', "\\\\")
            .replace('\t', "\\t")
            .replace('\n', "\\n")
    });
    escaped.collect::<Vec<_>>().join("\t")
}

/// The values come as data of a COPY, not in a statement: a statement that fails is logged.
const SCRIPT: &str = include_str!("connection.sql");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_column() {
        assert_eq!(row(&["a\tb\n\\.", "c"]), "a\\tb\\n\\\\.\tc");
    }
}
