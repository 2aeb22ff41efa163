//! Programs of the distribution, where they are not to be looked for: what all services' keys say of them.

use super::{
    litellm::{self, EngineSource},
    nginx, postgres,
};
use crate::{config::settings::Settings, provision::model::Programs};

/// Of these settings.
pub(super) fn named(settings: &Settings) -> Programs {
    let path = |key| settings.values.path(key);
    Programs {
        postgres_bin: path(postgres::PROGRAMS),
        nginx: path(nginx::PROGRAM),
        python: path(litellm::PYTHON),
        node: path(litellm::NODE),
        engine: match EngineSource::of(settings) {
            EngineSource::Program(path) => Some(path),
            EngineSource::Wasm | EngineSource::Download { .. } => None,
        },
    }
}
