//! The stack: one file per service turns settings into a specification and the files it reads.
//!
//! Pure: data in, data out. What a service needs of the machine comes in as [`Installed`], what is
//! to be written goes out as [`RenderedFile`].

use std::{fmt, path::PathBuf};

use supervise::spec::ServiceSpec;

/// Where set-up has put the programs, all absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The folder of PostgreSQL's programs.
    pub postgres_bin: PathBuf,
    /// nginx.
    pub nginx: PathBuf,
    /// LiteLLM's virtual environment.
    pub litellm: PathBuf,
    /// Open WebUI's virtual environment.
    pub open_webui: PathBuf,
    /// LiteLLM's query engine.
    pub engine: PathBuf,
    /// The folder that holds `node`, which the wasm engine runs on.
    pub node_bin: PathBuf,
    /// This program, for post-start and drain commands.
    pub ai_gateway: PathBuf,
}

/// A file to write before anything is launched.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Where.
    pub path: PathBuf,
    /// What. It may hold secrets: the file gets mode 0600.
    pub contents: String,
}

impl fmt::Debug for RenderedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.path.display(), self.contents.len())
    }
}

/// Everything that the runtime needs to bring the gateway up.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The services.
    pub services: Vec<ServiceSpec>,
    /// Folders to make first, mode 0700.
    pub folders: Vec<PathBuf>,
    /// Files to write.
    pub files: Vec<RenderedFile>,
}
