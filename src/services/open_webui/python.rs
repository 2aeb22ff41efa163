//! The Python that is embedded for Open WebUI.

use crate::python::{Module, contents, modules};

/// The modules that run in Open WebUI alone.
pub(crate) const MODULES: &[Module] = modules!("in_open_webui":
    "diet_indexes.py"
    "diet_open_webui.py"
    "first_account.py"
    "webui_app.py"
);

/// As a program it lets Open WebUI migrate and makes its first account.
pub(crate) const FIRST_ACCOUNT: &str = contents!("in_open_webui", "first_account.py");
/// Prints the hash that Open WebUI has of a password.
pub(crate) const PASSWORD_HASH: &str = contents!("commands", "password_hash.py");
