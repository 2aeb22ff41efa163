//! How urgent a line of PostgreSQL's log is: `[PID] user@database ERROR:  …`, with our `log_line_prefix`.

use sys::journal::Priority;

/// What PostgreSQL answers to whoever comes while it starts, recovers or stops (`postmaster.c`),
/// our own question whether it is ready among them: fatal for that connection and for nothing else.
const NOT_YET_OR_NO_MORE: &str = "the database system is ";

/// `None` if the line goes on with what the one before it was about.
pub(super) fn priority(line: &str) -> Option<Priority> {
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

#[cfg(test)]
mod tests {
    use super::priority;
    use crate::logs::assert_marks;

    #[test]
    fn postgresql_keeps_details_with_their_error() {
        assert_marks(
            priority,
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
            priority,
            "\
3 2026-11-24 03:15:00.123 UTC [1] FATAL:  data directory \"/x\" has wrong ownership
3 2026-11-24 03:15:00.123 UTC [1] HINT:  The server must be started by the user that owns it.
",
        );
    }
}
