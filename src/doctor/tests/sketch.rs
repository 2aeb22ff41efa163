//! A machine that exists on paper alone: its files, what its programs say, and its gateway.

use std::{collections::BTreeMap, fs, path::PathBuf, time::SystemTime};

use crate::{
    config::{self, paths::Paths},
    doctor::facts::{
        Configuration, Daemon, Facts, Gateway, MachineFacts, Mode, Port, ProgramAnswer, Provision,
        Scope, Systemd, World,
    },
    provision::{
        facts::{Node, Python, Survey},
        model::FoundProgram,
    },
    services,
};

/// A machine as it is on paper.
pub(super) struct Sketch {
    pub(super) files: Vec<(&'static str, &'static str)>,
    pub(super) links: Vec<(&'static str, &'static str)>,
    pub(super) says: Vec<(&'static str, ProgramAnswer)>,
    pub(super) variables: Vec<(&'static str, &'static str)>,
    pub(super) mode: Mode,
    pub(super) user: (&'static str, u32),
}

const SYSTEM: (&str, u32) = ("ai-gateway", 999);
const ALICE: (&str, u32) = ("alice", 1000);

pub(super) fn said(text: &str) -> ProgramAnswer {
    ProgramAnswer::Said(text.into())
}

/// A virtual machine with Debian 12, and alice on it, who lingers.
pub(super) fn debian_12() -> Sketch {
    Sketch {
        files: vec![
            (
                "etc/os-release",
                "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n",
            ),
            ("etc/resolv.conf", "# by hand\nnameserver 192.0.2.53\n"),
            (
                "proc/self/mountinfo",
                "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            ),
            (
                "proc/self/cgroup",
                "0::/user.slice/user-1000.slice/session-1.scope\n",
            ),
            ("proc/self/uid_map", "         0          0 4294967295\n"),
            ("proc/meminfo", "MemTotal:        2034180 kB\n"),
            ("proc/pressure/memory", "some avg10=0.00\n"),
            ("proc/sys/kernel/osrelease", "6.1.0-28-amd64\n"),
            ("proc/sys/kernel/hostname", "vps\n"),
            ("proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n"),
            ("proc/sys/net/core/somaxconn", "4096\n"),
            ("run/systemd/system/keep", ""),
            ("run/user/1000/bus", ""),
            ("run/user/1000/systemd/private", ""),
            ("var/lib/systemd/linger/alice", ""),
            (
                "sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers",
                "cpu memory pids\n",
            ),
            (
                "sys/fs/cgroup/cgroup.controllers",
                "cpuset cpu io memory pids\n",
            ),
        ],
        links: Vec::new(),
        says: vec![
            (
                "systemctl --version",
                said("systemd 252 (252.38-1~deb12u1)\n+PAM +AUDIT"),
            ),
            (
                "systemctl --user show --property=LoadState,UnitFileState,ActiveState ai-gateway.service",
                said("LoadState=loaded\nActiveState=active\nUnitFileState=enabled"),
            ),
            ("systemd-detect-virt", said("kvm")),
            (
                "getent ahosts example.com",
                said("192.0.2.1 STREAM example.com"),
            ),
        ],
        variables: vec![("XDG_RUNTIME_DIR", "/run/user/1000")],
        mode: Mode::User,
        user: ALICE,
    }
}

impl Sketch {
    /// With other files of these names.
    pub(super) fn with(mut self, files: &[(&'static str, &'static str)]) -> Self {
        self.files
            .retain(|(path, _)| files.iter().all(|(other, _)| other != path));
        self.files.extend(files);
        self
    }

    pub(super) fn without(mut self, start: &str) -> Self {
        self.files.retain(|(path, _)| !path.starts_with(start));
        self
    }

    pub(super) fn says(mut self, command: &'static str, answer: ProgramAnswer) -> Self {
        self.says.retain(|(other, _)| *other != command);
        self.says.push((command, answer));
        self
    }

    /// As the machine's own gateway, examined by root.
    pub(super) fn of_the_system(mut self) -> Self {
        self.mode = Mode::System;
        self.user = SYSTEM;
        self.says(
            "systemctl show --property=LoadState,UnitFileState,ActiveState ai-gateway.service",
            said("LoadState=loaded\nActiveState=active\nUnitFileState=enabled"),
        )
    }

    pub(super) fn facts(&self) -> Facts {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in &self.files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for (path, target) in &self.links {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(target, path).unwrap();
        }
        let variables: BTreeMap<String, String> = self
            .variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let ask = |program: &str, arguments: &[&str]| {
            let command = [&[program], arguments].concat().join(" ");
            let found = self.says.iter().find(|(known, _)| *known == command);
            found.map_or(ProgramAnswer::Missing, |(_, answer)| answer.clone())
        };
        let world = World {
            root: root.path(),
            variables: &variables,
            ask: &ask,
            landlock: Some(4),
            synchronised: Some(true),
            now: SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000),
        };
        let scope = Scope {
            schema: services::schema(),
            catalog: services::catalog(),
            paths: Paths {
                config: "/srv/gateway.toml".into(),
                state: "/srv/state".into(),
                run: "/srv/run".into(),
            },
            mode: self.mode,
            user: self.user.0.into(),
            uid: Some(self.user.1),
            gid: Some(self.user.1),
            root: self.mode == Mode::System,
        };
        let mut machine = MachineFacts::gather(&world, &scope);
        // The CPUs are those of whoever runs the test.
        if let Some(resources) = &mut machine.resources {
            resources.cpus = 2;
        }
        Facts {
            gateway: gateway(machine.resources),
            systemd: Systemd::gather(&world, &scope),
            machine,
            scope,
        }
    }
}

/// A gateway that is set up and does not run.
fn gateway(resources: Option<config::Resources>) -> Gateway {
    let settings = settings(resources);
    let port = |key: &str, number| Port {
        key: key.to_owned(),
        number,
        taken: None,
    };
    Gateway {
        configuration: Configuration::Right {
            warnings: Vec::new(),
        },
        memory: settings.limits.values().filter_map(|l| l.memory_max).sum(),
        settings,
        unknown: BTreeMap::new(),
        not_programs: BTreeMap::new(),
        ports: vec![port("listen.port", 3000), port("listen.admin_port", 4000)],
        dangers: Vec::new(),
        disks: Vec::new(),
        open_files: Some(65_536),
        entries: Vec::new(),
        secrets_missing: Vec::new(),
        secrets_changed: Vec::new(),
        secrets_empty: Vec::new(),
        database: true,
        provision: Provision {
            missing: None,
            needed: Ok(0),
            free: Some(20_000_000_000),
            programs: programs(),
        },
        daemon: Daemon::Stopped,
    }
}

pub(super) fn python(minor: u32) -> Python {
    Python {
        path: PathBuf::from(format!("/usr/bin/python3.{minor}")),
        version: (3, minor, 2),
        ensurepip: true,
    }
}

/// What holds by default on a machine with these resources, and for profile tiny on a machine that is too
/// small for any.
fn settings(resources: Option<config::Resources>) -> config::settings::Settings {
    let load = |file, machine| {
        config::load(&config::Input {
            schema: services::schema(),
            file,
            env: &|_| None,
            flags: &[],
            machine,
        })
    };
    let tiny = || ("gateway.toml".into(), "profile = \"tiny\"".into());
    let loaded = load(None, resources).unwrap_or_else(|_| load(Some(tiny()), None).unwrap());
    loaded.settings
}

fn found(path: &str, version: &str) -> Vec<FoundProgram> {
    vec![FoundProgram {
        path: path.into(),
        version: Some(version.into()),
    }]
}

/// The programs of Debian 12 that set-up needs.
fn programs() -> Survey {
    Survey {
        pythons: vec![python(11)],
        node: Some(Node {
            path: "/usr/bin/node".into(),
            major: 18,
        }),
        programs: [
            ("postgres_bin", found("/usr/lib/postgresql/15/bin", "15")),
            ("nginx", found("/usr/sbin/nginx", "1.22.1")),
        ]
        .into(),
        ..Survey::default()
    }
}
