//! How urgent a line is, read from the line itself.
//!
//! LiteLLM and Open WebUI know the level of what they log and write it in front of each line, as
//! the journal wants it (`src/stack/gateway_log.py`); their lines reach the journal by a stream
//! of their own, without us. PostgreSQL and nginx have no setting for that: both are silent enough
//! to be read along, PostgreSQL logging only what went wrong and nginx nothing below `crit`. This
//! is how their lines are told apart.
//!
//! A line that does not begin anew (a detail, a hint, the rest of a statement) is as urgent as the
//! one before it, so that `journalctl -p err` shows all of an error.

use sys::journal::Priority;

/// How a program's lines say how urgent they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `[PID] user@database ERROR:  …`, with our `log_line_prefix`.
    Postgres,
    /// `2026/11/24 03:15:00 [error] 12#12: …`.
    Nginx,
}

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
        let said = match self.dialect {
            Dialect::Postgres => postgres(&line),
            Dialect::Nginx => nginx(&line),
        };
        if let Some(priority) = said {
            self.last = priority;
        }
        self.last
    }
}

/// What PostgreSQL answers to whoever comes while it starts, recovers or stops (`postmaster.c`),
/// our own question whether it is ready among them: fatal for that connection and for nothing else.
const NOT_YET_OR_NO_MORE: &str = "the database system is ";

/// None: the line goes on with what the one before it was about.
fn postgres(line: &str) -> Option<Priority> {
    // A line break within a message is followed by a tab (PostgreSQL, `elog.c`).
    if line.starts_with('\t') {
        return None;
    }
    let (before, message) = line.split_once(":  ")?;
    let word = before.rsplit(' ').next()?;
    Some(match word {
        "PANIC" => Priority::Critical,
        "FATAL" if message.starts_with(NOT_YET_OR_NO_MORE) => Priority::Info,
        "FATAL" | "ERROR" => Priority::Error,
        "WARNING" => Priority::Warning,
        "NOTICE" => Priority::Notice,
        "LOG" | "INFO" => Priority::Info,
        _ if word.starts_with("DEBUG") => Priority::Debug,
        // DETAIL, HINT, STATEMENT, CONTEXT, QUERY, LOCATION, BACKTRACE.
        _ => return None,
    })
}

fn nginx(line: &str) -> Option<Priority> {
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
    use super::*;

    /// Each line with the digit of its priority before it.
    fn marked(dialect: Dialect, log: &str) -> Vec<(u8, &str)> {
        let mut severity = Severity::new(dialect);
        let mark = |line| (severity.of(str::as_bytes(line)) as u8, line);
        log.lines().map(mark).collect()
    }

    fn assert_marks(dialect: Dialect, wanted: &str) {
        let log: Vec<&str> = wanted.lines().map(|line| &line[2..]).collect();
        for ((priority, line), wanted) in marked(dialect, &log.join("\n"))
            .into_iter()
            .zip(wanted.lines())
        {
            assert_eq!(format!("{priority} {line}"), wanted);
        }
    }

    #[test]
    fn postgresql_keeps_details_with_their_error() {
        assert_marks(
            Dialect::Postgres,
            "\
6 [812] LOG:  starting PostgreSQL 15.14 (Debian 15.14-0+deb12u1) on x86_64-pc-linux-gnu
6 [812] LOG:  listening on Unix socket \"/run/ai-gateway/postgres/.s.PGSQL.5432\"
6 [815] LOG:  database system was interrupted; last known up at 2026-11-24 03:01:12 UTC
3 [901] litellm@litellm ERROR:  duplicate key value violates unique constraint \"a_pkey\"
3 [901] litellm@litellm DETAIL:  Key (id)=(7) already exists.
3 [901] litellm@litellm STATEMENT:  INSERT INTO a
3 \tVALUES ('WARNING:  not one')
4 [902] gw@postgres WARNING:  there is no transaction in progress
5 [903] gw@postgres NOTICE:  relation \"a\" already exists, skipping
3 [904] litellm@litellm FATAL:  password authentication failed for user \"litellm\"
3 [904] litellm@litellm DETAIL:  Connection matched file \"pg_hba.conf\" line 2
6 [905] gw@postgres FATAL:  the database system is starting up
2 [812] PANIC:  could not locate a valid checkpoint record
7 [905] DEBUG1:  forked new backend
6 [812] LOG:  database system is shut down
6 [812] HINT:  Is another postmaster running?
",
        );
    }

    #[test]
    fn postgresql_before_its_configuration_is_understood_too() {
        assert_marks(
            Dialect::Postgres,
            "\
3 2026-11-24 03:15:00.123 UTC [1] FATAL:  data directory \"/x\" has wrong ownership
3 2026-11-24 03:15:00.123 UTC [1] HINT:  The server must be started by the user that owns it.
",
        );
    }

    #[test]
    fn nginx_says_its_level_in_brackets() {
        assert_marks(
            Dialect::Nginx,
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
