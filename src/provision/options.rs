//! What a person may say to set-up beside the configuration.

use std::path::PathBuf;

use super::environment::Environment;
use crate::secrets::{Secret, SecretKind};

/// What a person may say to set-up beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct SetUpOptions {
    /// Install from this folder alone: wheels in `wheels`, npm's cache in `npm`, and the Python that set-up brings
    /// in `python`, as [`super::bundle()`] gathers them.
    pub offline: Option<PathBuf>,
    /// Go on with another salt key than the one that the database was set up with.
    pub accept_salt_key: bool,
    /// The environment that set-up was started with.
    pub environment: Environment,
    /// Secrets that a person has chosen, instead of random ones.
    pub chosen: Vec<(SecretKind, Secret)>,
}
