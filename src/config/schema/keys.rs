//! The keys of the gateway as a whole and of each service, one file for each group; and the functions with
//! which keys are declared.

mod gateway;
mod recycle;
mod services;

use super::{Declaration, Default, Key};
use crate::config::value::ValueKind;

pub(super) use gateway::GATEWAY;
pub(super) use services::EACH_SERVICE;

/// A key that can be set only in the file.
pub(crate) const fn key(
    name: &'static str,
    kind: ValueKind,
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

/// A key that can also be set by an environment variable.
pub(crate) const fn short(short: &'static str, key: Key) -> Key {
    Key {
        short: Some(short),
        ..key
    }
}

/// A key that can also be set by an environment variable and by a flag.
pub(crate) const fn flag(name: &'static str, key: Key) -> Key {
    Key {
        has_flag: true,
        ..short(name, key)
    }
}
