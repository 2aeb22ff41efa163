//! The secrets of LiteLLM.

use crate::secrets::SecretKind;

/// LiteLLM's administrator key. LiteLLM wants it to begin with `sk-`.
pub(crate) const MASTER_KEY: SecretKind = SecretKind {
    file_name: "litellm-master-key",
    prefix: "sk-",
    random_bytes: 32,
    lost: "whoever uses the master key needs the new one",
    compared: true,
    encrypts: false,
    // Nobody has another one, and what LiteLLM encrypts has a key of its own.
    made_at_start: true,
};

/// Encrypts the providers' keys in LiteLLM's database.
pub(crate) const SALT_KEY: SecretKind = SecretKind {
    file_name: "litellm-salt-key",
    prefix: "sk-",
    random_bytes: 32,
    lost: "the providers' keys that were saved in LiteLLM cannot be read again and have to be entered anew",
    compared: true,
    encrypts: true,
    // Where there was none, LiteLLM has encrypted with its master key.
    made_at_start: false,
};

/// The password of LiteLLM's admin page.
pub(crate) const UI_PASSWORD: SecretKind = SecretKind {
    file_name: "litellm-ui-password",
    prefix: "",
    random_bytes: 12,
    lost: "the password of LiteLLM's admin page is another one",
    compared: true,
    encrypts: false,
    // The account of the admin page is made from it at each start.
    made_at_start: true,
};

/// The database password of LiteLLM's role.
pub(crate) const DATABASE_PASSWORD: SecretKind = SecretKind {
    file_name: "postgres-litellm-password",
    prefix: "",
    random_bytes: 32,
    lost: "nothing is lost: set-up tells the database",
    compared: true,
    encrypts: false,
    // The database has to be told.
    made_at_start: false,
};

pub(super) const ALL: &[SecretKind] = &[MASTER_KEY, SALT_KEY, UI_PASSWORD, DATABASE_PASSWORD];
