//! Programs of the distribution that set-up and the gateway need.

use std::path::PathBuf;

/// A Python that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// The interpreter itself, not a shim in front of it.
    pub path: PathBuf,
    /// Its version.
    pub version: (u32, u32, u32),
    /// Whether it can put pip into an environment.
    pub ensurepip: bool,
}

/// A Node.js that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The program.
    pub path: PathBuf,
    /// Its major version.
    pub major: u32,
}

impl Node {
    /// The oldest that the engine runs on.
    pub const MINIMUM: u32 = 18;
}

/// PostgreSQL's programs, as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// Their folder.
    pub bin: PathBuf,
    /// Their major version.
    pub major: u32,
}

impl Postgres {
    /// The oldest that the migrations run on.
    pub const MINIMUM: u32 = 13;
}

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
    /// A native query engine.
    pub engine: Option<PathBuf>,
}
