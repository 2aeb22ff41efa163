//! Where a unit is installed, systemd starts and stops the daemon, and not we.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::process::ExitStatusExt as _,
    },
    process::{Child, Command, ExitStatus, Stdio},
};

use nix::unistd::Uid;

use super::{
    context::{Context, RUNTIME_DIR, runtime_folder, variable},
    failure::{Exit, Failure},
};

/// The unit.
pub(super) const UNIT: &str = "ai-gateway.service";

/// Where a user's manager listens, in the user's runtime folder.
pub(super) const USER_MANAGER: &str = "systemd/private";

/// A manager of systemd that knows the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manager {
    user: bool,
}

impl Manager {
    /// The manager that runs this gateway, if it can be reached and knows the unit. A gateway in a
    /// folder of its own is none of systemd's.
    pub(super) fn find(context: &Context) -> Option<Self> {
        if variable("AI_GATEWAY_HOME").is_some_and(|home| !home.is_empty()) {
            return None;
        }
        let manager = Self {
            user: !context.system,
        };
        // `cat` would read unit files without a manager; this asks the manager itself.
        let answer = manager
            .command("systemctl")
            .args(["show", "--property=LoadState", "--value", UNIT])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        (answer.status.success() && answer.stdout.trim_ascii() == b"loaded").then_some(manager)
    }

    /// One of systemd's programs, told which manager is meant.
    pub(super) fn command(self, program: &str) -> Command {
        let mut command = Command::new(program);
        if self.user {
            command.arg("--user");
            if let Some(folder) = runtime_folder(Uid::effective()) {
                command.env(RUNTIME_DIR, folder);
            }
        }
        command
    }

    /// Has the manager stop or reload the unit, and waits until that is done.
    ///
    /// # Errors
    /// It did not work; systemctl has said why.
    pub(super) fn tell(self, verb: &'static str) -> Result<(), Failure> {
        let status = self.command("systemctl").args([verb, UNIT]).status();
        let status = status.map_err(|error| cannot_run(&error))?;
        self.outcome(verb, status)
    }

    /// Has the manager start or restart the unit, and waits for nothing.
    ///
    /// # Errors
    /// systemctl cannot be run.
    pub(super) fn begin(self, verb: &'static str) -> Result<Job, Failure> {
        // It says nothing on its standard output, whose end tells that it has ended. A password that
        // it may have to ask for, it reads from standard input.
        let child = self
            .command("systemctl")
            .args(["--quiet", verb, UNIT])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| cannot_run(&error))?;
        Ok(Job {
            manager: self,
            verb,
            child,
            over: false,
        })
    }

    fn typed(self, verb: &str) -> String {
        let user = if self.user { "--user " } else { "" };
        format!("systemctl {user}{verb} {UNIT}")
    }

    fn journal(self) -> String {
        let user = if self.user { "--user " } else { "" };
        format!("'journalctl {user}-eu {UNIT}' shows what happened")
    }

    fn outcome(self, verb: &str, status: ExitStatus) -> Result<(), Failure> {
        let typed = self.typed(verb);
        let what = match (status.code(), status.signal()) {
            (Some(0), _) => return Ok(()),
            // systemctl(1), EXIT STATUS, after LSB: 4 is insufficient privilege.
            (Some(4), _) => {
                let what = format!("'{typed}' is not permitted");
                return Err(Failure::new(Exit::NotPermitted, what));
            }
            (Some(code), _) => format!("'{typed}' ended with code {code}"),
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                format!("'{typed}' was ended by signal {signal}")
            }
        };
        Err(Failure::new(Exit::Failed, what).hint(self.journal()))
    }
}

fn cannot_run(error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, "cannot run systemctl").cause(error.to_string())
}

/// What systemd has been told to do, and a systemctl that waits for it.
#[derive(Debug)]
pub(super) struct Job {
    manager: Manager,
    verb: &'static str,
    child: Child,
    over: bool,
}

/// What systemd knows of the unit after a start that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// With which code the daemon ended, if it ended by itself and not well.
    pub(super) exit_code: Option<i32>,
    /// What it said last of how it is.
    pub(super) status: Option<String>,
}

impl Unit {
    /// Reads what `systemctl show` prints: `NAME=value`, one a line.
    fn read(text: &str) -> Self {
        let value = |name: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(name));
            found.and_then(|rest| rest.strip_prefix('='))
        };
        let ended = value("Result") == Some("exit-code");
        let code = value("ExecMainStatus").and_then(|code| code.parse().ok());
        Self {
            exit_code: code.filter(|code| ended && *code != 0),
            status: value("StatusText")
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
        }
    }
}

impl Job {
    /// What becomes readable when systemctl has ended; none: it has.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        let out = self.child.stdout.as_ref().filter(|_| !self.over);
        out.map(AsFd::as_fd)
    }

    /// systemctl has ended.
    ///
    /// # Errors
    /// It did not succeed.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        self.over = true;
        let status = self.child.wait().map_err(|error| cannot_run(&error))?;
        self.manager.outcome(self.verb, status)
    }

    /// What systemd knows of the unit now.
    pub(super) fn unit(&self) -> Unit {
        let answer = self
            .manager
            .command("systemctl")
            .args(["show", "--property=Result,ExecMainStatus,StatusText", UNIT])
            .stdin(Stdio::null())
            .output();
        answer.map_or_else(
            |_| Unit::default(),
            |answer| Unit::read(&String::from_utf8_lossy(&answer.stdout)),
        )
    }

    /// Where more is to be read of what the unit is.
    pub(super) fn status(&self) -> String {
        format!(
            "'{}' shows what systemd knows",
            self.manager.typed("status")
        )
    }

    /// Where more is to be read of how it came to that.
    pub(super) fn journal(&self) -> String {
        self.manager.journal()
    }
}

impl Drop for Job {
    /// What systemd was told goes on; who waits for it is no longer needed.
    fn drop(&mut self) {
        if !self.over {
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_counts_only_where_the_daemon_ended_by_itself() {
        let read = |result: &str, code: &str| {
            Unit::read(&format!(
                "Result={result}\nExecMainStatus={code}\nStatusText=no database\n"
            ))
        };
        assert_eq!(read("exit-code", "78").exit_code, Some(78));
        assert_eq!(read("signal", "9").exit_code, None);
        assert_eq!(read("timeout", "15").exit_code, None);
        assert_eq!(
            read("exit-code", "78").status.as_deref(),
            Some("no database")
        );
        assert_eq!(Unit::read("Result=success\nStatusText=\n"), Unit::default());
        assert_eq!(Unit::read(""), Unit::default());
    }
}
