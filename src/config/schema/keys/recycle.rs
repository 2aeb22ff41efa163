//! `[recycle]`: when a service that leaks is restarted by plan.

use super::{key, short};
use crate::config::{
    schema::{Default, Key},
    value::ValueKind,
};

pub(super) const KEYS: [Key; 4] = [
    short(
        "recycle",
        key(
            "recycle.enabled",
            ValueKind::Bool,
            Default::Value("true"),
            "true",
            "Whether services that leak are restarted by plan at all.",
        ),
    ),
    short(
        "recycle-hour",
        key(
            "recycle.hour",
            ValueKind::Hour,
            Default::Value("\"04:00\""),
            "\"04:00\"",
            "The time of the day, local time, at which a restart disturbs least: within the hour that begins then, a service that would run out of memory in the next 24 hours is restarted. \"none\": only while it is idle, or at the last moment.",
        ),
    ),
    short(
        "recycle-every",
        key(
            "recycle.every",
            ValueKind::Time,
            Default::Value("\"1 min\""),
            "\"1 min\"",
            "How often their memory is measured.",
        ),
    ),
    short(
        "recycle-youngest",
        key(
            "recycle.youngest",
            ValueKind::Time,
            Default::Value("\"20 min\""),
            "\"20 min\"",
            "A service that was ready for less than this is left alone: it still warms up.",
        ),
    ),
];
