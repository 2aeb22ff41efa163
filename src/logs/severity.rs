//! How urgent a line is, read from the line itself.
//!
//! A service that knows the level of what it logs writes it in front of each line, as the journal wants it;
//! its lines reach the journal by a stream of its own, without us. One that has no setting for that, and
//! says little, is read along: its dialect, which stands in its room, tells its lines apart.
//!
//! A line that does not begin anew (a detail, a hint, the rest of a statement) is as urgent as the
//! one before it, so that `journalctl -p err` shows all of an error.

use sys::journal::Priority;

/// How a program's lines say how urgent they are: the priority of a line; none: the line goes on with what the
/// one before it was about.
pub type Dialect = fn(&str) -> Option<Priority>;

/// Tells the priority of one line after the other.
#[derive(Debug, Clone)]
pub struct Severity {
    dialect: Dialect,
    last: Priority,
}

impl Severity {
    /// Before the first line.
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            last: Priority::Info,
        }
    }

    /// These lines, each with its priority in front, as the journal reads it (sd-daemon(3)).
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

/// Checks a log against itself: each line has the digit of its priority before it.
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
