//! One line of a log, and how it is shown.

use serde::Serialize;

use crate::{
    cli::{context::print, failure::Failure, text::DIM},
    logs::prefix,
};

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Entry {
    /// The time, RFC 3339 with microseconds, so that the order of the texts is the order of the times.
    pub(super) time: String,
    /// The service that has written it, or the daemon.
    pub(super) service: String,
    /// The text.
    pub(super) message: String,
}

/// How lines are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    pub(super) json: bool,
}

impl Printer {
    pub(super) fn print(&self, entries: &[Entry]) -> Result<(), Failure> {
        let text: String = entries.iter().map(|entry| self.line(entry)).collect();
        print(text)
    }

    pub(super) fn line(&self, entry: &Entry) -> String {
        if self.json {
            return serde_json::to_string(entry).expect("an entry is plain text") + "\n";
        }
        // --json has the date as well; a person mostly looks at what has just happened.
        let time = entry
            .time
            .get(11..19)
            .map_or_else(|| entry.time.clone(), |time| format!("{time}Z"));
        let name = prefix(&entry.service);
        format!("{DIM}{time}{DIM:#} {name}{}\n", entry.message)
    }
}
