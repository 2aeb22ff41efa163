//! How urgent a line is, read from the line itself.
//!
//! A service that knows the level of what it logs writes the level in front of each line, as the journal
//! wants it, and its lines reach the journal by a stream of its own, without us. The lines of a service that
//! has no setting for that, and that says little, are read by the daemon: the service's dialect, which is in
//! its room, tells how urgent each line is.
//!
//! A line that continues another one (a detail, a hint, the rest of a statement) is as urgent as the line
//! before it, so that `journalctl -p err` shows all of an error.

use sys::journal::Priority;

/// Reads from a program's line how urgent it is. The result is `None` if the line continues the one before
/// it.
pub type Dialect = fn(&str) -> Option<Priority>;

/// Tells the priority of one line after the other.
#[derive(Debug, Clone)]
pub struct Severity {
    dialect: Dialect,
    last: Priority,
}

impl Severity {
    /// Starts before the first line.
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            last: Priority::Info,
        }
    }

    /// Writes these lines, each with its priority in front, as the journal reads it (sd-daemon(3)).
    pub fn mark(&mut self, lines: &[u8]) -> Vec<u8> {
        let mut marked = Vec::with_capacity(lines.len() + lines.len() / 16);
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            marked.extend_from_slice(format!("<{}>", self.of(line) as u8).as_bytes());
            marked.extend_from_slice(line);
        }
        marked
    }

    /// The priority of the next line.
    pub fn of(&mut self, line: &[u8]) -> Priority {
        let line = String::from_utf8_lossy(line);
        if let Some(priority) = (self.dialect)(&line) {
            self.last = priority;
        }
        self.last
    }
}

/// Checks a log whose lines have the digits of their priorities before them.
#[cfg(test)]
pub(crate) fn assert_marks(dialect: Dialect, wanted: &str) {
    let mut severity = Severity::new(dialect);
    for wanted in wanted.lines() {
        let line = &wanted[2..];
        assert_eq!(
            format!("{} {line}", severity.of(line.as_bytes()) as u8),
            wanted
        );
    }
}
