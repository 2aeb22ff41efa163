//! The gateway as a whole: what it may use, and the tables of keys that services declare for it: the service
//! that listens at an address declares the address, and the service that counts the budget declares the budget.

use super::{Declaration, asked, flag, key};
use crate::config::{
    schema::{AskWhen, Default, Key, PROFILES},
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

const KEYS: &[Key] = &[asked(
    "Profile",
    AskWhen::Always,
    flag(
        "profile",
        "NAME",
        "How much the services may use: tiny, small, medium, large or local",
        key(
            "profile",
            ValueKind::Choice(&PROFILES),
            Default::Unset("the largest that fits this machine"),
            "\"small\"",
            "How much the services may use: tiny (a machine with 1 GB), small (2 GB), medium (4 GB), large (8 GB), or local, which limits nothing.",
        ),
    ),
)];
