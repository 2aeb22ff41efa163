//! Its keys of `gateway.toml`, and what they say.

use std::path::PathBuf;

use crate::config::{
    ValueKind, Values,
    schema::{
        Declaration, Default, Key,
        keys::{key, short},
    },
    settings::Settings,
};

/// The folder of its programs.
pub const PROGRAMS: &str = "programs.postgres_bin";

pub(super) const DECLARATION: Declaration = Declaration {
    keys: KEYS,
    tables: &[("postgres", "PostgreSQL, the database of both.")],
    removed: &[],
    check: None,
    programs: Some(programs),
};

const KEYS: &[Key] = &[
    short(
        "max-connections",
        key(
            "postgres.max_connections",
            ValueKind::Whole {
                min: 10,
                max: 10_000,
            },
            Default::Unset("as many as the services' pools need"),
            "100",
            "The most connections at a time.",
        ),
    ),
    short(
        "postgres-bin",
        key(
            "programs.postgres_bin",
            ValueKind::Path,
            Default::Unset("the one that is found"),
            "\"/usr/lib/postgresql/15/bin\"",
            "The folder with the programs postgres and initdb.",
        ),
    ),
];

/// The most connections, or as many as the services' pools need.
pub(super) fn max_connections(settings: &Settings) -> Option<u32> {
    let most = settings.values.whole("postgres.max_connections")?;
    most.try_into().ok()
}

fn programs(values: &Values) -> Vec<(&'static str, PathBuf)> {
    let folder = values.path(PROGRAMS);
    let server = folder.map(|folder| (PROGRAMS, folder.join("postgres")));
    server.into_iter().collect()
}
