//! The connection to LiteLLM that Open WebUI keeps in its database.
//!
//! Open WebUI copies its address and key from the environment at its first start, and reads only
//! that copy ever after. So a new key or another port has to get into the copy. A connection is
//! ours if its address or its key is: either may have changed, not both between two starts.

use super::database::{self, Database, PsqlError, row};
use crate::secrets::Secret;

/// The copy could not be changed.
#[derive(Debug, thiserror::Error)]
#[error("cannot write Open WebUI's connection into its database")]
pub struct ConnectionError {
    source: PsqlError,
}

/// Mends the copy, and returns how many settings were changed: none when all is well, or when Open
/// WebUI has never been started.
pub(crate) fn mend(
    database: &Database,
    password: &Secret,
    address: &str,
    key: &Secret,
) -> Result<usize, ConnectionError> {
    let script = SCRIPT.replace("@ROW@", &row(&[address, key.expose()]));
    let changed = database::run(database, password, &script);
    let changed = changed.map_err(|source| ConnectionError { source })?;
    Ok(changed.lines().count())
}

const SCRIPT: &str = include_str!("connection.sql");
