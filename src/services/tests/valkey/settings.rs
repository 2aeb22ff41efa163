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

/// Whether it is a part of the gateway.
pub(super) const SWITCH: &str = "valkey.enabled";
const PROGRAM: &str = "programs.valkey";

pub(super) const DECLARATION: Declaration = Declaration {
    keys: KEYS,
    tables: &[("valkey", "Valkey, a store of keys and values in memory.")],
    removed: &[],
    check: None,
    programs: Some(programs),
};

const KEYS: &[Key] = &[
    short(
        "valkey",
        key(
            SWITCH,
            ValueKind::Bool,
            Default::Value("true"),
            "true",
            "Whether it is a part of the gateway at all.",
        ),
    ),
    short(
        "valkey-program",
        key(
            PROGRAM,
            ValueKind::Path,
            Default::Unset("the one that is found"),
            "\"/usr/bin/valkey-server\"",
            "Valkey.",
        ),
    ),
];

pub(super) fn is_on(settings: &Settings) -> bool {
    settings.values.flag(SWITCH)
}

/// The program that is named, if one is.
pub(super) fn program(settings: &Settings) -> Option<PathBuf> {
    settings.values.path(PROGRAM)
}

fn programs(values: &Values) -> Vec<(&'static str, PathBuf)> {
    let program = values.path(PROGRAM);
    program.map(|path| (PROGRAM, path)).into_iter().collect()
}
