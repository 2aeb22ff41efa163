//! If a unit is installed, systemd starts and stops the daemon, and the command line asks systemd to do so.

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
    failure::{CommandExit, Failure},
};

/// The unit.
pub(super) const UNIT: &str = "ai-gateway.service";

/// The socket of a user's manager, in the user's runtime folder.
pub(super) const USER_MANAGER: &str = "systemd/private";

/// A manager of systemd (the system's or a user's) that knows the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manager {
    user: bool,
}

impl Manager {
    /// The manager that runs this gateway, if it can be reached and knows the unit. systemd does not run a
    /// gateway in a folder of its own (`AI_GATEWAY_HOME`).
    pub(super) fn find(context: &Context) -> Option<Self> {
        if variable("AI_GATEWAY_HOME").is_some_and(|home| !home.is_empty()) {
            return None;
        }
        let manager = Self {
            user: !context.system,
        };
        // `systemctl cat` would read unit files without a manager; `show` asks the manager itself.
        let answer = manager
            .command("systemctl")
            .args(["show", "--property=LoadState", "--value", UNIT])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        (answer.status.success() && answer.stdout.trim_ascii() == b"loaded").then_some(manager)
    }

    /// A command that runs one of systemd's programs and says which manager is meant.
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

    /// Asks the manager to stop or reload the unit, and waits until that is done.
    ///
    /// # Errors
    /// It failed; systemctl has printed why.
    pub(super) fn tell(self, verb: &'static str) -> Result<(), Failure> {
        let status = self.command("systemctl").args([verb, UNIT]).status();
        let status = status.map_err(|error| cannot_run(&error))?;
        self.outcome(verb, status)
    }

    /// Asks the manager to start or restart the unit, and does not wait.
    ///
    /// # Errors
    /// systemctl cannot be run.
    pub(super) fn begin(self, verb: &'static str) -> Result<Job, Failure> {
        // systemctl prints nothing on its standard output, so the end of that pipe shows that it has ended.
        // If it has to ask for a password, it reads it from standard input.
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
                return Err(Failure::new(CommandExit::NotPermitted, what));
            }
            (Some(code), _) => format!("'{typed}' ended with code {code}"),
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                format!("'{typed}' was ended by signal {signal}")
            }
        };
        Err(Failure::new(CommandExit::Failed, what).hint(self.journal()))
    }
}

fn cannot_run(error: &io::Error) -> Failure {
    Failure::new(CommandExit::Failed, "cannot run systemctl").cause(error.to_string())
}

/// A running systemctl that waits for what systemd was asked to do.
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
    /// The exit code of the daemon, if it ended by itself with a failure.
    pub(super) exit_code: Option<i32>,
    /// The last status text that it sent.
    pub(super) status: Option<String>,
}

impl Unit {
    /// Reads the output of `systemctl show`: `NAME=value`, one a line.
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
    /// A descriptor that becomes readable when systemctl has ended. `None` if it has.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        let out = self.child.stdout.as_ref().filter(|_| !self.over);
        out.map(AsFd::as_fd)
    }

    /// Takes the result, after systemctl has ended.
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

    /// The command that shows the state of the unit.
    pub(super) fn status(&self) -> String {
        format!(
            "'{}' shows what systemd knows",
            self.manager.typed("status")
        )
    }

    /// The command that shows the log of the unit.
    pub(super) fn journal(&self) -> String {
        self.manager.journal()
    }
}

impl Drop for Job {
    /// Stops waiting. What systemd was asked to do goes on.
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
