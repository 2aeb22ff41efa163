//! Its keys of `gateway.toml`, and what they say.

use std::path::PathBuf;

use crate::config::{
    ValueKind, Values,
    schema::{
        Declaration, Default, Key,
        keys::{key, short},
    },
    settings::{Network, Settings},
};

/// nginx itself.
pub const PROGRAM: &str = "programs.nginx";

pub(super) const DECLARATION: Declaration = Declaration {
    keys: KEYS,
    tables: &[("front", "nginx, which everybody talks to.")],
    removed: &[],
    check: None,
    programs: Some(programs),
};

const KEYS: &[Key] = &[
    short(
        "trusted-proxies",
        key(
            "front.trusted_proxies",
            ValueKind::Networks,
            Default::Value("[]"),
            "[\"10.0.0.2\", \"192.168.7.0/24\"]",
            "Proxies in front of this gateway, as addresses or networks. Only from these is X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host believed; from everybody else such headers are replaced.",
        ),
    ),
    short(
        "nginx",
        key(
            "programs.nginx",
            ValueKind::Path,
            Default::Unset("the one that is found"),
            "\"/usr/sbin/nginx\"",
            "nginx.",
        ),
    ),
];

/// What they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Front {
    /// Whose forwarded headers count.
    pub(super) trusted_proxies: Vec<Network>,
}

impl Front {
    /// Of these settings.
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            trusted_proxies: settings.values.networks("front.trusted_proxies"),
        }
    }
}

fn programs(values: &Values) -> Vec<(&'static str, PathBuf)> {
    let nginx = values.path(PROGRAM);
    nginx.map(|path| (PROGRAM, path)).into_iter().collect()
}
