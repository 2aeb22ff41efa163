//! How the gateway calls `psql`, PostgreSQL's command line: with which arguments and in which
//! environment. Each caller adds what it asks, and runs the program in its own way.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use super::PORT;
use crate::{base_environment, secrets::Secret};

/// One value a column and one row a line, without anything around them; the user's own settings are
/// not read, and a script ends at its first error. A password that is missing is an error, too, and
/// no question at the terminal.
pub const ARGUMENTS: [&str; 7] = [
    "--no-psqlrc",
    "--quiet",
    "--tuples-only",
    "--no-align",
    "--no-password",
    "--set",
    "ON_ERROR_STOP=1",
];

/// Which database is asked, as whom, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// The folder of the server's socket.
    pub socket_folder: &'a Path,
    /// The name of the database.
    pub database: &'a str,
    /// A role and its password. It is `None` for the operating system's user, whom the server knows by the
    /// socket.
    pub role: Option<(&'a str, &'a Secret)>,
    /// How long psql waits. It is `None` where psql is to wait for as long as it takes.
    pub timeouts: Option<Timeouts>,
}

/// How long psql waits before it gives up.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// On a server that does not let it in; in whole seconds, and at least two, for libpq.
    pub connect: Duration,
    /// On a lock that another session has.
    pub lock: Duration,
    /// On one statement.
    pub statement: Duration,
}

impl Session<'_> {
    /// A psql that does what it reads from its standard input, and has nothing of the environment of whoever
    /// runs it.
    pub fn command(&self, psql: &Path) -> Command {
        let mut command = base_environment::command(psql, &self.environment());
        command.args(ARGUMENTS).args(["--file", "-"]);
        command
    }

    /// The whole environment of psql. The password is here and not in the arguments, which every user of the
    /// machine can read.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut all = base_environment::of_the_system();
        all.extend(self.variables());
        all
    }

    /// What libpq reads of it.
    fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = vec![
            ("PGHOST", self.socket_folder.display().to_string()),
            ("PGPORT", PORT.to_string()),
            ("PGDATABASE", self.database.to_owned()),
            ("PGCLIENTENCODING", "UTF8".to_owned()),
        ];
        if let Some((name, password)) = self.role {
            variables.push(("PGUSER", name.to_owned()));
            variables.push(("PGPASSWORD", password.expose().to_owned()));
        }
        if let Some(Timeouts {
            connect,
            lock,
            statement,
        }) = self.timeouts
        {
            let options = format!(
                "-c lock_timeout={}ms -c statement_timeout={}ms",
                lock.as_millis(),
                statement.as_millis()
            );
            variables.push(("PGCONNECT_TIMEOUT", connect.as_secs().to_string()));
            variables.push(("PGOPTIONS", options));
        }
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        variables.into_iter().map(owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn lines(session: &Session<'_>) -> Vec<String> {
        let variables = session.variables();
        variables.iter().map(|(n, v)| format!("{n}={v}")).collect()
    }

    #[test]
    fn nothing_of_whoever_runs_it_reaches_psql() {
        let folder = tempfile::tempdir().unwrap();
        let psql = folder.path().join("psql");
        std::fs::write(&psql, "#!/bin/sh\npwd\necho \"$*\"\nexec env\n").unwrap();
        let executable = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&psql, executable).unwrap();
        let session = Session {
            socket_folder: Path::new("/s"),
            database: "d",
            role: None,
            timeouts: None,
        };
        let output = session.command(&psql).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (folder, rest) = text.split_once('\n').unwrap();
        assert_eq!(folder, "/");
        let (arguments, environment) = rest.split_once('\n').unwrap();
        assert!(
            arguments.ends_with("ON_ERROR_STOP=1 --file -"),
            "{arguments}"
        );
        // The shell adds these by itself.
        let own = |line: &&str| {
            !["PWD=", "OLDPWD=", "SHLVL=", "_="]
                .iter()
                .any(|of| line.starts_with(of))
        };
        let mut seen: Vec<_> = environment.lines().filter(own).collect();
        seen.sort_unstable();
        let wanted = session.environment();
        let wanted: Vec<_> = wanted.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(seen, wanted);
    }

    #[test]
    fn a_role_has_its_password_in_the_environment_and_gives_up_in_time() {
        let password = Secret::chosen("p w".into());
        let session = Session {
            socket_folder: Path::new("/run/o'k"),
            database: "litellm",
            role: Some(("litellm", &password)),
            timeouts: Some(Timeouts {
                connect: Duration::from_secs(2),
                lock: Duration::from_millis(1500),
                statement: Duration::from_secs(10),
            }),
        };
        assert_eq!(
            lines(&session),
            [
                "PGCLIENTENCODING=UTF8",
                "PGCONNECT_TIMEOUT=2",
                "PGDATABASE=litellm",
                "PGHOST=/run/o'k",
                "PGOPTIONS=-c lock_timeout=1500ms -c statement_timeout=10000ms",
                "PGPASSWORD=p w",
                "PGPORT=5432",
                "PGUSER=litellm",
            ]
        );
    }

    #[test]
    fn the_systems_user_needs_no_password_and_waits() {
        let session = Session {
            socket_folder: Path::new("/s/setup-socket"),
            database: "postgres",
            role: None,
            timeouts: None,
        };
        assert_eq!(
            lines(&session),
            [
                "PGCLIENTENCODING=UTF8",
                "PGDATABASE=postgres",
                "PGHOST=/s/setup-socket",
                "PGPORT=5432",
            ]
        );
    }
}
