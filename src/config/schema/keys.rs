//! The keys of the gateway as a whole and of each service, one file for each group; and the functions with
//! which keys are declared.

mod gateway;
mod recycle;
mod services;

use super::{AskWhen, Declaration, Default, Key, SetUpFlag};
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
        set_up: None,
    }
}

/// A key that can also be set by an environment variable.
pub(crate) const fn short(short: &'static str, key: Key) -> Key {
    Key {
        short: Some(short),
        ..key
    }
}

/// A key that can also be set by an environment variable and by a flag of set-up. `value` and `help` are what
/// the help of set-up says about the flag.
pub(crate) const fn flag(
    name: &'static str,
    value: &'static str,
    help: &'static str,
    key: Key,
) -> Key {
    Key {
        set_up: Some(SetUpFlag {
            value,
            help,
            question: None,
        }),
        ..short(name, key)
    }
}

/// A key that has a flag and for which set-up asks this question.
pub(crate) const fn asked(text: &'static str, when: AskWhen, key: Key) -> Key {
    let Some(flag) = key.set_up else {
        panic!("set-up asks for what it has a flag for");
    };
    Key {
        set_up: Some(SetUpFlag {
            question: Some((text, when)),
            ..flag
        }),
        ..key
    }
}
