//! All secrets at once, as the plan of the stack needs them.

use crate::secrets::{Kind, Secret, SecretError, SecretStore};

/// The values. `Debug` shows none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// LiteLLM's administrator key.
    pub litellm_master_key: Secret,
    /// What LiteLLM encrypts providers' keys with.
    pub litellm_salt_key: Secret,
    /// The password of LiteLLM's admin page.
    pub litellm_ui_password: Secret,
    /// What Open WebUI signs its sessions with.
    pub open_webui_secret_key: Secret,
    /// The key with which Open WebUI asks LiteLLM.
    pub open_webui_virtual_key: Secret,
    /// The database password of LiteLLM's role.
    pub postgres_litellm_password: Secret,
    /// The database password of Open WebUI's role.
    pub postgres_open_webui_password: Secret,
}

impl Secrets {
    /// Reads all of them.
    ///
    /// # Errors
    /// The first that is missing, empty or readable by others.
    pub fn load(store: &SecretStore) -> Result<Self, SecretError> {
        Ok(Self {
            litellm_master_key: store.read(Kind::LitellmMasterKey)?,
            litellm_salt_key: store.read(Kind::LitellmSaltKey)?,
            litellm_ui_password: store.read(Kind::LitellmUiPassword)?,
            open_webui_secret_key: store.read(Kind::OpenWebuiSecretKey)?,
            open_webui_virtual_key: store.read(Kind::OpenWebuiVirtualKey)?,
            postgres_litellm_password: store.read(Kind::PostgresLitellmPassword)?,
            postgres_open_webui_password: store.read(Kind::PostgresOpenWebuiPassword)?,
        })
    }
}
