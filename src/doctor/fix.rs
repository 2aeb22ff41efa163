//! Commands that mend something, for whoever asks: a person types `sudo`, root does not. Pure.

use super::facts::{Facts, Mode, Packages};

/// A command that only root may run.
pub(super) fn root(facts: &Facts, command: &str) -> String {
    let sudo = if facts.asked.root { "" } else { "sudo " };
    format!("{sudo}{command}")
}

/// Commands one after the other, each as [`root`].
pub(super) fn roots(facts: &Facts, commands: &[&str]) -> String {
    let all: Vec<_> = commands
        .iter()
        .map(|command| root(facts, command))
        .collect();
    all.join(" && ")
}

/// A command of our own, as the user whose gateway it is.
pub(super) fn gateway(facts: &Facts, arguments: &str) -> String {
    as_user(facts, &format!("ai-gateway {arguments}"))
}

/// A command as the user whose gateway it is; runuser keeps the environment, `AI_GATEWAY_HOME` in
/// it.
pub(super) fn as_user(facts: &Facts, command: &str) -> String {
    if facts.asked.root {
        format!("runuser -u {} -- {command}", quote(&facts.asked.user))
    } else {
        command.to_owned()
    }
}

/// `systemctl` for the manager that runs the gateway.
pub(super) fn systemctl(facts: &Facts, arguments: &str) -> String {
    match facts.asked.mode {
        Mode::System => root(facts, &format!("systemctl {arguments}")),
        Mode::User | Mode::Folder => format!("systemctl --user {arguments}"),
    }
}

/// Installs a package by its name on Debian and on Fedora; nothing elsewhere.
pub(super) fn install(facts: &Facts, debian: &str, fedora: &str) -> Option<String> {
    match facts.machine.packages {
        Packages::Apt => Some(root(facts, &format!("apt install {debian}"))),
        Packages::Dnf => Some(root(facts, &format!("dnf install {fedora}"))),
        Packages::Other => None,
    }
}

/// Changes the container that we are in, on the Proxmox host; nothing elsewhere. A container does
/// not know its own number there, but its name.
pub(super) fn pct(facts: &Facts, verb: &str, arguments: &str) -> Option<String> {
    let machine = &facts.machine;
    if !machine.is_lxc() || !machine.is_proxmox() || !is_plain(&machine.hostname) {
        return None;
    }
    let name = &machine.hostname;
    Some(format!(
        "pct {verb} \"$(pct list | awk '$NF == \"{name}\" {{ print $1 }}')\" {arguments}  # on the \
         Proxmox host"
    ))
}

/// A word as a shell takes it.
pub(super) fn quote(word: &str) -> String {
    if is_plain(word) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn is_plain(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%=".contains(c);
    !word.is_empty() && word.chars().all(plain)
}
