//! Lingering: without it, systemd ends a user's units with the user's last login.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use nix::unistd::User;

use super::{
    context::{Context, variable},
    systemd::USER_MANAGER,
};

/// The folder in which logind records which users linger (systemd, `logind-dbus.c`).
const LINGERING: &str = "/var/lib/systemd/linger";

/// Enables lingering for this user if that is needed. Returns what a person has to do if it is not
/// permitted.
pub(super) fn ensure(context: &Context) -> Option<String> {
    let alone = variable("AI_GATEWAY_HOME").is_some_and(|home| !home.is_empty());
    let manager = variable("XDG_RUNTIME_DIR").map(|run| Path::new(&run).join(USER_MANAGER));
    if context.system || alone || !manager.is_some_and(|socket| socket.exists()) {
        return None;
    }
    let user = User::from_uid(context.user).ok()??.name;
    if lingers(Path::new(LINGERING), &user) {
        return None;
    }
    let asked = Command::new("loginctl")
        .args(["--no-ask-password", "enable-linger"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match asked {
        Ok(status) if status.success() => None,
        Ok(_) | Err(_) => Some(advice(&user)),
    }
}

fn lingers(folder: &Path, user: &str) -> bool {
    folder.join(user).exists()
}

fn advice(user: &str) -> String {
    format!(
        "It would end with your last login, and not start with the machine: \
         as root, 'loginctl enable-linger {user}' changes that.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lingers_has_a_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!lingers(folder.path(), "alice"));
        std::fs::write(folder.path().join("alice"), "").unwrap();
        assert!(lingers(folder.path(), "alice"));
        assert!(!lingers(folder.path(), "bob"));
    }
}
