//! Open WebUI's first account, its administrator's: made before anybody can reach it.

use std::path::PathBuf;

use super::{OpenWebUi, SERVICE};
use crate::{config::paths::Paths, secrets::SecretStore};

/// What is known of the first account once it was made: a file that `first_account.py` writes.
pub(crate) fn file(paths: &Paths) -> PathBuf {
    paths.service(&SERVICE.service_name()).join("first-account")
}

/// What that module reads. The password is a file's: an environment can be read in more ways.
pub(crate) fn variables(settings: &OpenWebUi, paths: &Paths) -> [(&'static str, String); 4] {
    let password = SecretStore::new(paths.secrets()).path(super::ADMIN_PASSWORD);
    [
        ("AI_GATEWAY_FIRST_EMAIL", settings.admin_email.clone()),
        ("AI_GATEWAY_FIRST_NAME", settings.admin_name.clone()),
        (
            "AI_GATEWAY_FIRST_PASSWORD_FILE",
            password.display().to_string(),
        ),
        (
            "AI_GATEWAY_FIRST_ACCOUNT",
            file(paths).display().to_string(),
        ),
    ]
}
