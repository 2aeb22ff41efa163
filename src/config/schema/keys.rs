//! The keys of the gateway as a whole and of each service, a file for each group of them; and how whoever
//! declares a key writes it down.

mod gateway;
mod recycle;
mod services;

use super::{Declaration, Default, Key};
use crate::config::value::Kind;

pub(super) use gateway::GATEWAY;
pub(super) use services::EACH_SERVICE;

/// A key that only the file sets.
pub(crate) const fn key(
    name: &'static str,
    kind: Kind,
    default: Default,
    example: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        name,
        kind,
        doc,
        default,
        example,
        short: None,
        has_flag: false,
    }
}

/// A key that an environment variable sets as well.
pub(crate) const fn short(short: &'static str, key: Key) -> Key {
    Key {
        short: Some(short),
        ..key
    }
}

/// A key that an environment variable and a flag set as well.
pub(crate) const fn flag(name: &'static str, key: Key) -> Key {
    Key {
        has_flag: true,
        ..short(name, key)
    }
}
