//! What the services bring along, for the tests of this module.

use super::model::{Packages, Payload, Role, Wanted};
use crate::{config::settings::Settings, services};

pub(crate) use super::tools::TOOLS;
pub(crate) use crate::services::{
    litellm::{ENGINE, NATIVE_ENGINE, PAYLOAD as LITELLM, TABLES as LITELLM_TABLES},
    open_webui::{PAYLOAD as OPEN_WEBUI, TABLES as OPEN_WEBUI_TABLES},
};

pub(crate) fn wanted(settings: &Settings) -> Wanted {
    services::catalog().wanted(settings)
}

/// All payloads, whatever the settings are.
pub(crate) fn payloads() -> impl Iterator<Item = Payload> {
    services::catalog().payloads()
}

/// The lock that names a payload's packages.
pub(crate) fn lock(payload: Payload) -> &'static str {
    match payload.packages {
        Packages::Python { lock, .. } | Packages::Npm { lock, .. } => lock,
        Packages::None => "",
    }
}

/// All roles, whatever the settings are.
pub(crate) fn roles() -> Vec<Role> {
    let settings = crate::config::of_profile(services::schema(), "local", "");
    wanted(&settings.unwrap()).roles
}
