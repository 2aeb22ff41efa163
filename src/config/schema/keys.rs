//! The keys themselves, a file for each group of them.

mod diet;
mod gateway;
mod recycle;
mod services;

use super::{Default, Key};
use crate::config::value::Kind;

const fn key(
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
const fn short(short: &'static str, key: Key) -> Key {
    Key {
        short: Some(short),
        ..key
    }
}

/// A key that an environment variable and a flag set as well.
const fn flag(name: &'static str, key: Key) -> Key {
    Key {
        has_flag: true,
        ..short(name, key)
    }
}

/// A measure of the diet, which is taken unless somebody says otherwise.
const fn measure(variable: &'static str, name: &'static str, doc: &'static str) -> Key {
    short(
        variable,
        key(name, Kind::Bool, Default::Value("true"), "true", doc),
    )
}

/// All keys, in the order in which they are shown.
pub const KEYS: &[Key] = &joined::<{ count() }>();

const GROUPS: [&[Key]; 4] = [gateway::KEYS, diet::KEYS, recycle::KEYS, services::KEYS];

const fn count() -> usize {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
}

/// One list of all groups. A constant is computed without iterators.
const fn joined<const COUNT: usize>() -> [Key; COUNT] {
    let mut keys = [GROUPS[0][0]; COUNT];
    let (mut next, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut key = 0;
        while key < GROUPS[group].len() {
            keys[next] = GROUPS[group][key];
            next += 1;
            key += 1;
        }
        group += 1;
    }
    keys
}
