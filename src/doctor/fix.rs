//! Commands that mend something, for whoever asks: a person types `sudo`, root does not. Pure.

use super::facts::{ContainerManager, Facts, Mode, Packages, Virtualization};
use crate::shell::is_plain;

pub(super) use crate::shell::quote;

/// Makes a command that only root may run: with `sudo` for everybody else.
pub(crate) fn root(facts: &Facts, command: &str) -> String {
    let sudo = if facts.scope.root { "" } else { "sudo " };
    format!("{sudo}{command}")
}

/// Makes commands that root runs one after the other, each as [`root`] makes it.
pub(crate) fn roots(facts: &Facts, commands: &[&str]) -> String {
    let all: Vec<_> = commands
        .iter()
        .map(|command| root(facts, command))
        .collect();
    all.join(" && ")
}

/// Makes a command of this program that runs as the user whose gateway it is.
pub(crate) fn gateway(facts: &Facts, arguments: &str) -> String {
    as_user(facts, &format!("ai-gateway {arguments}"))
}

/// A command as the user whose gateway it is; runuser keeps the environment, `AI_GATEWAY_HOME` in
/// it.
pub(crate) fn as_user(facts: &Facts, command: &str) -> String {
    if facts.scope.root {
        format!("runuser -u {} -- {command}", quote(&facts.scope.user))
    } else {
        command.to_owned()
    }
}

/// Makes a command of `systemctl` for the manager that runs the gateway.
pub(crate) fn systemctl(facts: &Facts, arguments: &str) -> String {
    match facts.scope.mode {
        Mode::System => root(facts, &format!("systemctl {arguments}")),
        Mode::User | Mode::Folder => format!("systemctl --user {arguments}"),
    }
}

/// Installs a package by its name on Debian and on Fedora; nothing elsewhere.
pub(crate) fn install(facts: &Facts, debian: &str, fedora: &str) -> Option<String> {
    match facts.machine.packages {
        Packages::Apt => Some(root(facts, &format!("apt install {debian}"))),
        Packages::Dnf => Some(root(facts, &format!("dnf install {fedora}"))),
        Packages::Other => None,
    }
}

/// Gives the kernel a word at boot; nothing in a container, which has its host's kernel.
pub(crate) fn kernel_parameter(facts: &Facts, word: &str) -> Option<String> {
    if matches!(facts.machine.kind, Virtualization::Container(_)) {
        return None;
    }
    let commands = match facts.machine.packages {
        Packages::Apt => roots(
            facts,
            &[
                &format!("sed -i 's/^GRUB_CMDLINE_LINUX=\"/&{word} /' /etc/default/grub"),
                "update-grub",
                "reboot",
            ],
        ),
        Packages::Dnf => roots(
            facts,
            &[
                &format!("grubby --update-kernel=ALL --args={word}"),
                "reboot",
            ],
        ),
        Packages::Other => return None,
    };
    Some(commands)
}

/// What a container's host can change for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostChange {
    /// The container may nest others.
    Nesting,
    /// As much memory as the smallest profile needs, and some more.
    Memory,
    /// The container has more room on its disk.
    Disk,
}

/// Changes the container that we are in, on its host; nothing where we are in none. A container
/// does not know its own number or name there, but it is called as its host is named.
pub(crate) fn on_host(facts: &Facts, change: HostChange) -> Option<String> {
    let machine = &facts.machine;
    let name = &machine.hostname;
    let keeper = machine.keeper?;
    if !is_plain(name) {
        return None;
    }
    let incus = |program| match change {
        HostChange::Nesting => {
            format!("{program} config set {name} security.nesting=true && {program} restart {name}")
        }
        HostChange::Memory => format!("{program} config set {name} limits.memory=2GiB"),
        HostChange::Disk => format!("{program} config device override {name} root size=20GiB"),
    };
    let line = |line| format!("echo {line} | sudo tee -a /var/lib/lxc/{name}/config");
    let command = match (keeper, change) {
        (ContainerManager::Proxmox, HostChange::Nesting) => {
            pct(name, "set", "--features nesting=1")
        }
        (ContainerManager::Proxmox, HostChange::Memory) => pct(name, "set", "--memory 2048"),
        (ContainerManager::Proxmox, HostChange::Disk) => pct(name, "resize", "rootfs +8G"),
        (ContainerManager::Incus, _) => incus("incus"),
        (ContainerManager::Lxd, _) => incus("lxc"),
        (ContainerManager::Lxc, HostChange::Nesting) => {
            line("lxc.include = /usr/share/lxc/config/nesting.conf")
        }
        (ContainerManager::Lxc, HostChange::Memory) => line("lxc.cgroup2.memory.max = 2G"),
        // It has its host's.
        (ContainerManager::Lxc, HostChange::Disk) => return None,
    };
    Some(format!("{command}  # on the host"))
}

fn pct(name: &str, verb: &str, arguments: &str) -> String {
    format!("pct {verb} \"$(pct list | awk '$NF == \"{name}\" {{ print $1 }}')\" {arguments}")
}
