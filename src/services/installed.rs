//! What set-up has left for the services.

use std::path::PathBuf;

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
    /// Its page as it was built, where it is where it was when this was written.
    pub open_webui_frontend: Option<PathBuf>,
    /// LiteLLM's query engine.
    pub engine: PathBuf,
    /// The folder that holds `node`, which the wasm engine runs on.
    pub node_bin: PathBuf,
    /// This program, for post-start commands.
    pub ai_gateway: PathBuf,
}
