//! Where a unit is installed, systemd starts and stops the daemon, and not we.

use std::{
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
};

use super::{
    context::{Context, variable},
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
        }
        command
    }

    /// Has the manager start, stop, restart or reload the unit, and waits until that is done.
    ///
    /// # Errors
    /// It did not work; systemctl has said why.
    pub(super) fn tell(self, verb: &str) -> Result<(), Failure> {
        let user = if self.user { "--user " } else { "" };
        let typed = format!("systemctl {user}{verb} {UNIT}");
        let status = self
            .command("systemctl")
            .args([verb, UNIT])
            .status()
            .map_err(|e| Failure::new(Exit::Failed, "cannot run systemctl").cause(e.to_string()))?;
        match status.code() {
            Some(0) => Ok(()),
            // systemctl(1), EXIT STATUS, after LSB: 4 is insufficient privilege.
            Some(4) => Err(Failure::new(
                Exit::NotPermitted,
                format!("'{typed}' is not permitted"),
            )),
            code => Err(Failure::new(
                Exit::Failed,
                match (code, status.signal()) {
                    (Some(code), _) => format!("'{typed}' ended with code {code}"),
                    (None, signal) => {
                        format!(
                            "'{typed}' was ended by signal {}",
                            signal.unwrap_or_default()
                        )
                    }
                },
            )
            .hint(format!("'journalctl {user}-eu {UNIT}' shows what happened"))),
        }
    }
}
