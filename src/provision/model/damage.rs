//! What is wrong with what was installed.

use std::fmt;

/// So many faults are named; the rest is counted.
const NAMED: usize = 3;

/// What is wrong with a payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Damage {
    /// The name of the payload.
    pub payload: &'static str,
    /// The first things that are wrong.
    pub faults: Vec<String>,
    /// How many things are wrong in all.
    pub count: usize,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = match self.count - self.faults.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        write!(f, "{}: {}{more}", self.payload, self.faults.join("; "))
    }
}

impl Damage {
    /// Makes the damage of these faults, or `None` where there is no fault.
    pub fn of(payload: &'static str, all: Vec<String>) -> Option<Self> {
        (!all.is_empty()).then(|| Self {
            payload,
            count: all.len(),
            faults: all.into_iter().take(NAMED).collect(),
        })
    }
}
