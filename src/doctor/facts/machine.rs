//! The machine, or the container that we are in.

use std::{collections::BTreeMap, time::SystemTime};

use super::{Mode, ProgramAnswer, Scope, World};
use crate::config::{self, machine};

/// A name that stands for nothing and is there for everybody (RFC 2606).
const KNOWN_NAME: &str = "example.com";

/// Whether it is a machine of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Virtualization {
    /// It is a machine of its own.
    Bare,
    /// It is a virtual machine of this make.
    Virtual(String),
    /// It is a container of this make.
    Container(String),
    /// Nothing tells what it is.
    Unknown,
}

/// What keeps an LXC container, on its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerManager {
    /// Proxmox VE keeps it, as its kernel shows.
    Proxmox,
    /// Incus keeps it, as its device shows.
    Incus,
    /// LXD keeps it, as its device shows.
    Lxd,
    /// The tools of LXC keep it, or something that is none of these.
    Lxc,
}

/// What installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packages {
    /// `apt` installs packages, as on Debian and its family.
    Apt,
    /// `dnf` installs packages, as on Fedora and its family.
    Dnf,
    /// Something else installs packages.
    Other,
}

/// How control groups are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hierarchy {
    /// There is version 2 alone.
    Unified,
    /// There are both, and version 1 has the controllers.
    Hybrid,
    /// There is version 1 alone.
    Legacy,
    /// They are not mounted.
    None,
}

/// The machine.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineFacts {
    /// The name of the distribution, as it calls itself.
    pub distribution: String,
    /// What installs packages.
    pub packages: Packages,
    /// The kernel's version.
    pub kernel: String,
    /// The name of the machine.
    pub hostname: String,
    /// Whether it is a machine of its own.
    pub kind: Virtualization,
    /// What keeps it, if it is an LXC container.
    pub keeper: Option<ContainerManager>,
    /// Whether root within it is another user outside.
    pub unprivileged: bool,
    /// Whether LXC lets it mount what a container in it, or a sandbox, needs.
    pub nesting: bool,
    /// The memory and the processors that it has: the smallest limit of all that hold for us.
    pub resources: Option<config::Resources>,
    /// Whether the kernel tells how long work waits for memory.
    pub psi: bool,
    /// Whether the kernel would tell that if it were asked to at boot.
    pub psi_is_built: bool,
    /// The version of Landlock that the kernel has, or `None` where it has none.
    pub landlock: Option<u32>,
    /// How control groups are mounted.
    pub hierarchy: Hierarchy,
    /// The controllers that the manager may hand out that starts the gateway, or `None` where no such manager runs.
    pub controllers: Option<Vec<String>>,
    /// Whether something keeps the clock right.
    pub synchronised: Option<bool>,
    /// Which year it is by the clock.
    pub year: u64,
    /// The name servers of resolv.conf, or `None` where there is no such file.
    pub nameservers: Option<Vec<String>>,
    /// What the system's resolver makes of a name that is there for everybody.
    pub resolves: ProgramAnswer,
    /// The variables for proxies that are set, by their names.
    pub proxies: BTreeMap<String, String>,
    /// The first port that needs no privilege.
    pub first_port: u16,
    /// How many connections may wait at a listening socket, or `None` where the kernel does not tell.
    pub queue: Option<u32>,
}

impl MachineFacts {
    pub(in crate::doctor) fn gather(world: &World<'_>, scope: &Scope) -> Self {
        let text = |path: &str| world.read(path).unwrap_or_default();
        let release = text("etc/os-release");
        let mounts = text("proc/self/mountinfo");
        let kernel = text("proc/sys/kernel/osrelease").trim().to_owned();
        let since_1970 = world.now.duration_since(SystemTime::UNIX_EPOCH);
        let resolves = match world.read("etc/resolv.conf") {
            Some(_) => (world.ask)("getent", &["ahosts", KNOWN_NAME]),
            None => ProgramAnswer::Missing,
        };
        let kind = kind(world);
        Self {
            distribution: field(&release, "PRETTY_NAME").unwrap_or_else(|| "Linux".into()),
            packages: packages(&release),
            hostname: text("proc/sys/kernel/hostname").trim().to_owned(),
            keeper: is_lxc(&kind).then(|| keeper(world, &kernel)),
            kind,
            unprivileged: is_unprivileged(&text("proc/self/uid_map")),
            nesting: mounts
                .lines()
                .any(|line| mounted_at(line) == Some("/dev/.lxc/proc")),
            resources: machine::facts(world.root),
            // The file is there and cannot be read where the kernel was told to do without.
            psi: world.read("proc/pressure/memory").is_some(),
            psi_is_built: text(&format!("boot/config-{kernel}"))
                .lines()
                .any(|line| line == "CONFIG_PSI=y"),
            landlock: world.landlock,
            hierarchy: hierarchy(&mounts),
            controllers: world
                .read(&controllers_file(scope))
                .map(|text| text.split_whitespace().map(str::to_owned).collect()),
            synchronised: world.synchronised,
            year: 1970 + since_1970.map_or(0, |time| time.as_secs() / SECONDS_OF_A_YEAR),
            nameservers: world.read("etc/resolv.conf").map(|text| nameservers(&text)),
            resolves,
            proxies: proxies(world),
            first_port: text("proc/sys/net/ipv4/ip_unprivileged_port_start")
                .trim()
                .parse()
                .unwrap_or(1024),
            queue: text("proc/sys/net/core/somaxconn").trim().parse().ok(),
            kernel,
        }
    }
}

fn is_lxc(kind: &Virtualization) -> bool {
    matches!(kind, Virtualization::Container(name) if name.starts_with("lxc"))
}

fn keeper(world: &World<'_>, kernel: &str) -> ContainerManager {
    if world.exists("dev/incus/sock") {
        ContainerManager::Incus
    } else if world.exists("dev/lxd/sock") {
        ContainerManager::Lxd
    } else if kernel.ends_with("-pve") {
        ContainerManager::Proxmox
    } else {
        ContainerManager::Lxc
    }
}

/// Close enough to tell a clock that has never been set.
const SECONDS_OF_A_YEAR: u64 = 31_556_952;

/// A field of os-release(5).
fn field(release: &str, name: &str) -> Option<String> {
    release.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.trim_matches(['"', '\'']).to_owned())
    })
}

fn packages(release: &str) -> Packages {
    let family = [field(release, "ID"), field(release, "ID_LIKE")];
    let family: Vec<&str> = family
        .iter()
        .flatten()
        .flat_map(|ids| ids.split(' '))
        .collect();
    if family.iter().any(|id| ["debian", "ubuntu"].contains(id)) {
        Packages::Apt
    } else if family.iter().any(|id| ["fedora", "rhel"].contains(id)) {
        Packages::Dnf
    } else {
        Packages::Other
    }
}

/// Containers as systemd-detect-virt(1) names them.
const CONTAINERS: [&str; 10] = [
    "openvz",
    "lxc",
    "lxc-libvirt",
    "systemd-nspawn",
    "docker",
    "podman",
    "rkt",
    "wsl",
    "proot",
    "pouch",
];

/// By what the first process of a container has written down, and by systemd's own look.
fn kind(world: &World<'_>) -> Virtualization {
    if let Some(name) = world.read("run/systemd/container") {
        return Virtualization::Container(name.trim().to_owned());
    }
    match (world.ask)("systemd-detect-virt", &[]) {
        ProgramAnswer::Said(name) if CONTAINERS.contains(&name.as_str()) => {
            Virtualization::Container(name)
        }
        ProgramAnswer::Said(name) => Virtualization::Virtual(name),
        // With "none" it exits as one that has failed.
        ProgramAnswer::Failed(name) if name == "none" => Virtualization::Bare,
        ProgramAnswer::Failed(_) | ProgramAnswer::Late | ProgramAnswer::Missing
            if world.exists(".dockerenv") =>
        {
            Virtualization::Container("docker".into())
        }
        ProgramAnswer::Failed(_) | ProgramAnswer::Late | ProgramAnswer::Missing => {
            Virtualization::Unknown
        }
    }
}

/// The initial user namespace maps every user to itself (user_namespaces(7)).
fn is_unprivileged(map: &str) -> bool {
    let first: Vec<&str> = map
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    matches!(first[..], [_, outside, _] if outside != "0")
}

/// Where the mount of a line of mountinfo (proc_pid_mountinfo(5)) is.
fn mounted_at(line: &str) -> Option<&str> {
    line.split(' ').nth(4)
}

fn hierarchy(mounts: &str) -> Hierarchy {
    let of_type = |wanted: &str| {
        let mut lines = mounts.lines().filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            (right.split(' ').next() == Some(wanted)).then(|| mounted_at(left))?
        });
        lines.next().map(str::to_owned)
    };
    match (of_type("cgroup2"), of_type("cgroup")) {
        (Some(_), None) => Hierarchy::Unified,
        (Some(_), Some(_)) => Hierarchy::Hybrid,
        (None, Some(_)) => Hierarchy::Legacy,
        (None, None) => Hierarchy::None,
    }
}

/// Of the manager that would start the gateway.
fn controllers_file(scope: &Scope) -> String {
    let uid = scope.uid.unwrap_or_default();
    match scope.mode {
        Mode::User | Mode::Folder if uid != 0 => format!(
            "sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service/cgroup.controllers"
        ),
        Mode::User | Mode::Folder | Mode::System => "sys/fs/cgroup/cgroup.controllers".into(),
    }
}

fn nameservers(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"));
    lines.map(|server| server.trim().to_owned()).collect()
}

fn proxies(world: &World<'_>) -> BTreeMap<String, String> {
    let names = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];
    let both = names
        .into_iter()
        .flat_map(|name| [name.to_owned(), name.to_uppercase()]);
    both.filter_map(|name| {
        let value = world.variable(&name)?.to_owned();
        Some((name, value))
    })
    .collect()
}
