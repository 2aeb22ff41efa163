//! The gateway as a whole: what it may use and spend, and where people reach it.

use super::{Declaration, flag, key, short};
use crate::config::{
    schema::{Default, Key, PROFILES},
    value::ValueKind,
};

pub(in crate::config::schema) const GATEWAY: Declaration = Declaration {
    keys: KEYS,
    tables: &[
        ("", "The gateway as a whole."),
        ("listen", "Where people reach the gateway."),
    ],
    removed: &[],
    check: None,
    programs: None,
};

const KEYS: &[Key] = &[
    flag(
        "profile",
        key(
            "profile",
            ValueKind::Choice(&PROFILES),
            Default::Unset("the largest that fits this machine"),
            "\"small\"",
            "How much the services may use: tiny (a machine with 1 GB), small (2 GB), medium (4 GB), large (8 GB), or local, which limits nothing.",
        ),
    ),
    flag(
        "budget",
        key(
            "budget",
            ValueKind::Budget,
            Default::Value("\"test\""),
            "\"prod\"",
            "What may be spent at the providers in 30 days: \"test\" (15 US dollars), \"prod\" (200), \"unlimited\" (1000), or an amount in US dollars from 0.01 on. There is always one: LiteLLM takes 0 to mean none.",
        ),
    ),
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
    flag(
        "port",
        key(
            "listen.port",
            ValueKind::Port,
            Default::Value("3000"),
            "3000",
            "Open WebUI, and the API under /api/litellm/v1/.",
        ),
    ),
    flag(
        "admin-port",
        key(
            "listen.admin_port",
            ValueKind::Port,
            Default::Value("4000"),
            "4000",
            "LiteLLM's own API and its admin page under /ui.",
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
];
