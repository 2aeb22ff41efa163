//! What set-up has left for the services.

use std::path::{Path, PathBuf};

use super::{
    litellm::{self, EngineSource},
    open_webui,
};
use crate::{
    config::{paths::Paths, settings::Settings},
    provision::{self, Installation, NotSetUp, site_packages::site_packages},
};

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

impl Installed {
    /// What set-up has left for the services of these settings; quick, for every start.
    ///
    /// # Errors
    /// Set-up has not run, was cut off, or was run by another version or with other settings.
    pub fn find(paths: &Paths, settings: &Settings) -> Result<Self, NotSetUp> {
        let installation = provision::installed(super::catalog(), paths, settings)?;
        Self::of(installation, settings)
    }

    /// Where the services find what was installed.
    ///
    /// # Errors
    /// Something that they need is not there.
    pub fn of(installation: Installation, settings: &Settings) -> Result<Self, NotSetUp> {
        let folder = |payload| installation.payload(payload);
        let open_webui = folder(&open_webui::PAYLOAD)?;
        Ok(Self {
            litellm: folder(&litellm::PAYLOAD)?,
            open_webui_frontend: frontend(&open_webui),
            open_webui,
            engine: match EngineSource::of(settings) {
                EngineSource::Wasm => folder(&litellm::ENGINE)?.join("query-engine"),
                EngineSource::Program(path) => path,
                EngineSource::Download { .. } => {
                    folder(&litellm::NATIVE_ENGINE)?.join("query-engine")
                }
            },
            postgres_bin: installation.postgres_bin,
            nginx: installation.nginx,
            node_bin: installation.node_bin,
            ai_gateway: installation.ai_gateway,
        })
    }
}

/// Open WebUI's page as it was built, if it is laid out as nginx's configuration has it.
fn frontend(environment: &Path) -> Option<PathBuf> {
    let folder = site_packages(environment).ok()?.join("open_webui/frontend");
    folder.join("_app/immutable").is_dir().then_some(folder)
}
