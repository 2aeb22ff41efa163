//! Its keys of `gateway.toml`, and what they say.

use std::path::PathBuf;

use crate::config::{
    ValueKind, Values,
    schema::{
        AskWhen, Declaration, Default, Key,
        keys::{asked, flag, key, short},
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
        "address",
        key(
            "listen.address",
            ValueKind::Address,
            Default::Value("\"127.0.0.1\""),
            "\"127.0.0.1\"",
            "The address of listen.port. Any other than a loopback address lets other machines in.",
        ),
    ),
    asked(
        "Port of Open WebUI and the API",
        AskWhen::Always,
        flag(
            "port",
            "N",
            "The port of Open WebUI and the API",
            key(
                "listen.port",
                ValueKind::Port,
                Default::Value("3000"),
                "3000",
                "Open WebUI, and the API under /api/litellm/v1/.",
            ),
        ),
    ),
    asked(
        "Port of the admin page",
        AskWhen::IfTaken,
        flag(
            "admin-port",
            "N",
            "The port of LiteLLM's own API and its admin page",
            key(
                "listen.admin_port",
                ValueKind::Port,
                Default::Value("4000"),
                "4000",
                "LiteLLM's own API and its admin page under /ui.",
            ),
        ),
    ),
    short(
        "admin-address",
        key(
            "listen.admin_address",
            ValueKind::Address,
            Default::Value("\"127.0.0.1\""),
            "\"127.0.0.1\"",
            "The address of listen.admin_port. Any other than a loopback address lets other machines try the admin page's password and the master key.",
        ),
    ),
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
