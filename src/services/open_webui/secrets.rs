//! The secrets of Open WebUI.

use crate::secrets::SecretKind;

/// The password of Open WebUI's first account, its administrator's.
pub(crate) const ADMIN_PASSWORD: SecretKind = SecretKind {
    file_name: "open-webui-admin-password",
    prefix: "",
    random_bytes: 12,
    lost: "the password that is shown is not that of the first account: 'ai-gateway admin reset-password' sets it",
    compared: false,
    encrypts: false,
    // Without it a database that has lost its accounts could not be given an administrator.
    made_at_start: true,
};

/// Signs Open WebUI's sessions: a new one logs everybody out.
pub(crate) const SECRET_KEY: SecretKind = SecretKind {
    file_name: "open-webui-secret-key",
    prefix: "",
    random_bytes: 32,
    lost: "everybody has to log in to Open WebUI again",
    compared: true,
    encrypts: false,
    // Nobody has a session that was signed with another one.
    made_at_start: true,
};

/// The virtual key with which Open WebUI asks LiteLLM. It is renewed while the gateway runs, and LiteLLM itself knows
/// which ones it has given out: so it is not compared.
pub(crate) const VIRTUAL_KEY: SecretKind = SecretKind {
    file_name: "open-webui-virtual-key",
    prefix: "sk-",
    random_bytes: 32,
    lost: "Open WebUI gets a new key, and its spending a new line",
    compared: false,
    encrypts: false,
    // LiteLLM is told of it after each of its starts.
    made_at_start: true,
};

/// The database password of Open WebUI's role.
pub(crate) const DATABASE_PASSWORD: SecretKind = SecretKind {
    file_name: "postgres-open-webui-password",
    prefix: "",
    random_bytes: 32,
    lost: "nothing is lost: set-up tells the database",
    compared: true,
    encrypts: false,
    // The database has to be told.
    made_at_start: false,
};

pub(super) const ALL: &[SecretKind] = &[ADMIN_PASSWORD, SECRET_KEY, VIRTUAL_KEY, DATABASE_PASSWORD];
