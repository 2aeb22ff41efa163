//! Programs of the distribution, where they are not to be looked for: what all services' keys say of them.

use std::path::PathBuf;

use super::{litellm, nginx, postgres};
use crate::config::settings::Settings;

/// Programs that are looked for unless they are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Programs {
    /// The folder of PostgreSQL's programs.
    pub postgres_bin: Option<PathBuf>,
    /// nginx.
    pub nginx: Option<PathBuf>,
    /// The Python of the environments.
    pub python: Option<PathBuf>,
    /// Node.js.
    pub node: Option<PathBuf>,
}

impl Programs {
    /// Of these settings.
    pub fn of(settings: &Settings) -> Self {
        let path = |key| settings.values.path(key);
        Self {
            postgres_bin: path(postgres::PROGRAMS),
            nginx: path(nginx::PROGRAM),
            python: path(litellm::PYTHON),
            node: path(litellm::NODE),
        }
    }
}
