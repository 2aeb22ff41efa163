//! What to say if no daemon answers: this gateway was never set up, it is stopped, or the gateway that is
//! meant belongs to another user.
//!
//! Another user, root, or a cron job looks for the gateway in other folders than the user who runs it, so
//! "stopped" alone would often be wrong.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::{Command, Stdio},
};

use nix::unistd::{Uid, User};

use super::{
    context::{Context, SYSTEM_USER, variable},
    failure::{CommandExit, Failure},
    systemd::UNIT,
};
use crate::provision;

/// A daemon that runs for another user, or in other folders.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Other {
    pid: u32,
    user: String,
    /// Its `AI_GATEWAY_HOME`, if we are allowed to see it.
    home: Option<String>,
}

/// Why no daemon answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Absent {
    /// Whether root runs the command.
    root: bool,
    /// Whether this gateway was set up.
    set_up: bool,
    /// Other daemons that run. Empty if `AI_GATEWAY_HOME` is set: then only the gateway in that folder is
    /// meant.
    others: Vec<Other>,
    /// Whether the machine's unit is installed, does not run, and is not the gateway that was asked for.
    machine_is_stopped: bool,
}

impl Absent {
    /// Finds out why no daemon answers.
    pub(super) fn find(context: &Context) -> Self {
        let named = variable("AI_GATEWAY_HOME").is_some_and(|home| !home.is_empty());
        let set_up = provision::is_set_up(&context.paths);
        let others = if named {
            Vec::new()
        } else {
            others(Path::new("/proc"), std::process::id())
        };
        Self {
            root: context.user.is_root(),
            set_up,
            machine_is_stopped: !named && !set_up && !context.system && machine_is_stopped(),
            others,
        }
    }

    /// Whether the gateway of another user was probably meant.
    pub(super) fn is_elsewhere(&self) -> bool {
        !self.set_up && (!self.others.is_empty() || self.machine_is_stopped)
    }

    /// The exit code. Another user's gateway is one that this user may not ask.
    pub(super) fn exit(&self) -> CommandExit {
        if self.is_elsewhere() && !self.root && !self.others.is_empty() {
            CommandExit::NotPermitted
        } else {
            CommandExit::NotRunning
        }
    }

    /// The situation as a sentence without a full stop.
    pub(super) fn what(&self) -> String {
        let other = self.others.first().filter(|_| !self.set_up);
        match other {
            Some(Other { pid, user, .. }) => format!(
                "ai-gateway runs as user {user} (process {pid}), and only that user and root may ask it"
            ),
            None if self.is_elsewhere() => {
                "ai-gateway is stopped: this machine's gateway is a service of the system"
                    .to_owned()
            }
            None if self.set_up => "ai-gateway is stopped".to_owned(),
            None => "ai-gateway is not set up".to_owned(),
        }
    }

    /// Hints for a person who typed `verb`.
    pub(super) fn hints(&self, verb: &str) -> Vec<String> {
        let reach = |other: &Other| {
            let Other { user, home, .. } = other;
            let command = match (self.root, home) {
                (true, Some(home)) => format!("AI_GATEWAY_HOME={home} ai-gateway {verb}"),
                (true, None) if user == SYSTEM_USER => format!("ai-gateway {verb}"),
                (true, None) => format!("runuser -u {user} -- ai-gateway {verb}"),
                (false, _) if user == SYSTEM_USER => format!("sudo ai-gateway {verb}"),
                (false, _) => format!("sudo -u {user} ai-gateway {verb}"),
            };
            format!("'{command}' asks the gateway of user {user}")
        };
        let mut hints = Vec::new();
        if self.set_up {
            hints.push("'ai-gateway start' starts it".to_owned());
        }
        hints.extend(self.others.iter().map(reach));
        if self.machine_is_stopped && self.others.is_empty() {
            hints.push(format!("'sudo systemctl start {UNIT}' starts it"));
        }
        if hints.is_empty() {
            hints.push("'ai-gateway setup' sets it up".to_owned());
        }
        hints
    }

    /// The failure of `verb`. It replaces one that only says that nobody answers.
    pub(super) fn failure(&self, verb: &str, told: Failure) -> Failure {
        if !self.is_elsewhere() {
            let hints = self.hints(verb).into_iter();
            return hints.fold(told, Failure::hint);
        }
        let failure = Failure::new(self.exit(), self.what());
        self.hints(verb).into_iter().fold(failure, Failure::hint)
    }
}

/// The running daemons except for `own`, by the process table below `root`. Every user may see the
/// arguments and the owner of a process, unless /proc is mounted with hidepid.
fn others(root: &Path, own: u32) -> Vec<Other> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut found: Vec<Other> = entries
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let folder = entry.path();
            let arguments = fs::read(folder.join("cmdline")).ok()?;
            if pid == own || !is_daemon(&arguments) {
                return None;
            }
            let uid = Uid::from_raw(fs::metadata(&folder).ok()?.uid());
            let user = User::from_uid(uid).ok().flatten();
            let environment = fs::read(folder.join("environ")).unwrap_or_default();
            Some(Other {
                pid,
                user: user.map_or_else(|| uid.to_string(), |user| user.name),
                home: home_of(&environment),
            })
        })
        .collect();
    // The machine's own gateway comes first, because it is most probably meant.
    found.sort_by_key(|other| (other.user != SYSTEM_USER, other.pid));
    found
}

/// Whether the arguments are `ai-gateway run`, whatever the path of the program is.
fn is_daemon(arguments: &[u8]) -> bool {
    let mut words = arguments.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    let name = program.rsplit(|byte| *byte == b'/').next();
    name == Some(b"ai-gateway") && words.next() == Some(b"run")
}

fn home_of(environment: &[u8]) -> Option<String> {
    let variables = environment.split(|byte| *byte == 0);
    let value = variables
        .filter_map(|variable| variable.strip_prefix(b"AI_GATEWAY_HOME="))
        .find(|value| !value.is_empty())?;
    String::from_utf8(value.to_vec()).ok()
}

/// Whether the system's manager has the unit and does not run it. Every user may ask for that.
fn machine_is_stopped() -> bool {
    let answer = Command::new("systemctl")
        .args(["show", "--property=LoadState,ActiveState", UNIT])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    answer.is_ok_and(|answer| {
        let text = String::from_utf8_lossy(&answer.stdout);
        let says = |line: &str| text.lines().any(|said| said == line);
        says("LoadState=loaded") && !says("ActiveState=active")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(user: &str, home: Option<&str>) -> Other {
        Other {
            pid: 812,
            user: user.into(),
            home: home.map(str::to_owned),
        }
    }

    fn absent(root: bool, set_up: bool, others: &[Other]) -> Absent {
        Absent {
            root,
            set_up,
            others: others.to_vec(),
            machine_is_stopped: false,
        }
    }

    #[test]
    fn each_is_told_the_command_that_reaches_the_gateway_that_runs() {
        let machine = other(SYSTEM_USER, None);
        let alice = other("alice", None);
        let named = other("bob", Some("/srv/gw"));
        for (root, other, exit, command) in [
            (false, &machine, 77, "sudo ai-gateway status"),
            (false, &alice, 77, "sudo -u alice ai-gateway status"),
            (true, &machine, 69, "ai-gateway status"),
            (true, &alice, 69, "runuser -u alice -- ai-gateway status"),
            (
                true,
                &named,
                69,
                "AI_GATEWAY_HOME=/srv/gw ai-gateway status",
            ),
        ] {
            let absent = absent(root, false, std::slice::from_ref(other));
            assert_eq!(absent.exit() as u8, exit, "{other:?}");
            assert!(absent.what().contains(&other.user), "{}", absent.what());
            let hints = absent.hints("status");
            assert!(
                matches!(hints.as_slice(), [one] if one.starts_with(&format!("'{command}' "))),
                "{hints:?}"
            );
        }
    }

    #[test]
    fn ones_own_gateway_comes_first() {
        let absent = absent(false, true, &[other("alice", None)]);
        assert_eq!(absent.exit(), CommandExit::NotRunning);
        assert_eq!(absent.what(), "ai-gateway is stopped");
        assert_eq!(absent.hints("logs")[0], "'ai-gateway start' starts it");
        assert_eq!(absent.hints("logs").len(), 2);
    }

    #[test]
    fn what_was_not_set_up_is_set_up_first_and_a_service_that_is_stopped_is_started() {
        let mut absent = absent(false, false, &[]);
        assert_eq!(absent.hints("logs"), ["'ai-gateway setup' sets it up"]);
        assert_eq!(absent.what(), "ai-gateway is not set up");
        absent.machine_is_stopped = true;
        assert_eq!(absent.exit(), CommandExit::NotRunning);
        assert_eq!(
            absent.hints("logs"),
            ["'sudo systemctl start ai-gateway.service' starts it"]
        );
    }

    #[test]
    fn daemons_are_found_by_their_arguments() {
        let proc = tempfile::tempdir().unwrap();
        for (pid, arguments, environment) in [
            (
                "10",
                "/usr/bin/ai-gateway\0run\0",
                "A=1\0AI_GATEWAY_HOME=/srv/gw\0",
            ),
            ("11", "ai-gateway\0run\0", ""),
            ("12", "ai-gateway\0status\0", ""),
            ("13", "/usr/bin/my-ai-gateway\0run\0", ""),
            ("14", "ai-gateway\0run\0", ""),
            ("15", "", ""),
            ("self", "ai-gateway\0run\0", ""),
        ] {
            let folder = proc.path().join(pid);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("cmdline"), arguments).unwrap();
            fs::write(folder.join("environ"), environment).unwrap();
        }
        let found = others(proc.path(), 14);
        let found: Vec<_> = found
            .iter()
            .map(|other| (other.pid, other.home.as_deref()))
            .collect();
        assert_eq!(found, [(10, Some("/srv/gw")), (11, None)]);
    }
}
