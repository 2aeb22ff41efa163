//! Services of people's own, as they are written in `gateway.toml`, without the four built-in ones.

use std::path::Path;

use ai_gateway::{
    config::{self, Input},
    plan::environment,
    provision::Installation,
    secrets::SecretStore,
    services::{self, Secrets},
    stack::Stack,
};

use crate::gateway;

/// The services of a `gateway.toml`.
pub(super) fn stack(home: &Path, text: &str) -> Stack {
    let paths = gateway::paths(home);
    let input = Input {
        schema: services::schema(),
        file: Some((paths.config.clone(), text.to_owned())),
        env: &|_| None,
        flags: &[("profile", "local")],
        machine: None,
    };
    let loaded = config::load(&input).unwrap_or_else(|report| panic!("{report}"));
    let mut settings = loaded.settings;
    environment::add(
        &mut settings,
        environment::ourselves(),
        &environment::own_secrets(&paths),
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let store = SecretStore::new(paths.secrets());
    store
        .make_missing(ai_gateway::services::catalog().secrets(), None)
        .expect("a folder of ours");
    let secrets = Secrets::load(&store).expect("they were made");
    let nothing = Installation::default();
    services::plan(&[], &settings, &paths, &nothing, &secrets, None)
}
