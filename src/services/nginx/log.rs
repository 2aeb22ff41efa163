//! How urgent a line of nginx's log is: `2026/11/24 03:15:00 [error] 12#12: …`.

use sys::journal::Priority;

/// `None` if the line goes on with what the one before it was about.
pub(super) fn priority(line: &str) -> Option<Priority> {
    // Before there is a configuration the time is missing: `nginx: [emerg] …`.
    let (_, rest) = line.split_once(" [")?;
    let (word, _) = rest.split_once(']')?;
    Some(match word {
        // Not emergency, which the journal shows on every terminal of the machine.
        "emerg" | "alert" | "crit" => Priority::Critical,
        "error" => Priority::Error,
        "warn" => Priority::Warning,
        "notice" => Priority::Notice,
        "info" => Priority::Info,
        "debug" => Priority::Debug,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::priority;
    use crate::logs::assert_marks;

    #[test]
    fn nginx_says_its_level_in_brackets() {
        assert_marks(
            priority,
            "\
2 nginx: [emerg] bind() to 127.0.0.1:3000 failed (98: Address already in use)
4 2026/11/24 03:15:00 [warn] 7#7: the \"user\" directive makes sense only with privileges
3 2026/11/24 03:15:01 [error] 8#8: *1 connect() failed (111: Connection refused)
2 2026/11/24 03:15:02 [alert] 7#7: worker process 8 exited on signal 9
5 2026/11/24 03:15:02 [notice] 7#7: signal 17 (SIGCHLD) received from 8
5 a line that says nothing
",
        );
    }
}
