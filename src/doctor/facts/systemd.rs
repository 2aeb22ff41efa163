//! The machine's systemd.

use std::{collections::BTreeMap, fs, path::PathBuf};

use super::{Mode, Scope, World};

/// The unit.
const UNIT: &str = "ai-gateway.service";

/// What LXC's tools call what they add to every service.
const LXC_DROP_IN: &str = "zzz-lxc-service.conf";

/// systemd, as far as the gateway has to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Systemd {
    /// The version of systemd, or `None` where it is not installed.
    pub version: Option<u32>,
    /// Whether it is what this machine was booted with.
    pub booted: bool,
    /// Whether the manager of the gateway's user runs.
    pub user_manager: bool,
    /// Whether that user's bus is there.
    pub user_bus: bool,
    /// What `XDG_RUNTIME_DIR` says.
    pub runtime_dir: Option<String>,
    /// Whether the gateway's user lingers.
    pub linger: bool,
    /// What logind does with the shared memory of a user who has gone.
    pub remove_ipc: RemoveIpc,
    /// What LXC's tools have added to every service.
    pub lxc_drop_in: Option<DropIn>,
    /// The unit of the gateway, or `None` where no manager answers.
    pub unit: Option<Unit>,
}

/// Whether logind removes the shared memory of a user who has gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoveIpc {
    /// Whether logind removes them.
    pub removes: bool,
    /// The file that says so, or `None` where that is what holds by default.
    pub file: Option<PathBuf>,
}

/// A drop-in for every service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropIn {
    /// The place of the file.
    pub file: PathBuf,
    /// What it takes away: names of settings that it empties or switches off.
    pub takes: Vec<String>,
    /// Whether it is kept away from the gateway's unit.
    pub masked: bool,
}

/// The gateway's unit, as its manager knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Whether systemd could load it: `loaded`, `not-found`, `bad-setting`, `masked` and so on.
    pub load: String,
    /// Whether it starts at boot: `enabled`, `disabled` and so on.
    pub file: String,
    /// Whether it runs: `active`, `inactive`, `failed` and so on.
    pub active: String,
}

impl Systemd {
    pub(in crate::doctor) fn gather(world: &World<'_>, scope: &Scope) -> Self {
        let uid = scope.uid.unwrap_or_default();
        let version = (world.ask)("systemctl", &["--version"]);
        Self {
            version: version.said().and_then(version_of),
            booted: world.exists("run/systemd/system"),
            user_manager: world.exists(&format!("run/user/{uid}/systemd/private")),
            user_bus: world.exists(&format!("run/user/{uid}/bus")),
            runtime_dir: world.variable("XDG_RUNTIME_DIR").map(str::to_owned),
            linger: world.exists(&format!("var/lib/systemd/linger/{}", scope.user)),
            remove_ipc: remove_ipc(world),
            lxc_drop_in: lxc_drop_in(world),
            unit: unit(world, scope),
        }
    }
}

/// "systemd 252 (252.38-1~deb12u1)".
fn version_of(text: &str) -> Option<u32> {
    text.strip_prefix("systemd ")?
        .split(' ')
        .next()?
        .parse()
        .ok()
}

fn unit(world: &World<'_>, scope: &Scope) -> Option<Unit> {
    let show = [
        "show",
        "--property=LoadState,UnitFileState,ActiveState",
        UNIT,
    ];
    let answer = match scope.mode {
        Mode::System => (world.ask)("systemctl", &show),
        Mode::User => {
            let of_user = [&["--user"], &show[..]].concat();
            (world.ask)("systemctl", &of_user)
        }
        Mode::Folder => return None,
    };
    let text = answer.said()?;
    let value = |name: &str| {
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.map(str::to_owned)
    };
    Some(Unit {
        load: value("LoadState")?,
        file: value("UnitFileState").unwrap_or_default(),
        active: value("ActiveState").unwrap_or_default(),
    })
}

/// logind.conf(5): the main file first, then the drop-ins by name, of equal names the one in /etc
/// before that in /run before that in /usr/lib. The last word counts.
fn remove_ipc(world: &World<'_>) -> RemoveIpc {
    let mut drop_ins = BTreeMap::new();
    for folder in ["usr/lib", "run", "etc"] {
        let folder = format!("{folder}/systemd/logind.conf.d");
        let entries = fs::read_dir(world.root.join(&folder)).into_iter().flatten();
        for name in entries.flatten().map(|entry| entry.file_name()) {
            let name = name.to_string_lossy().into_owned();
            if name.ends_with(".conf") {
                drop_ins.insert(name.clone(), format!("{folder}/{name}"));
            }
        }
    }
    let main = "etc/systemd/logind.conf".to_owned();
    let files = std::iter::once(main).chain(drop_ins.into_values());
    let mut said = files.filter_map(|file| {
        let text = world.read(&file)?;
        let mut lines = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("RemoveIPC="));
        let value = lines.next_back()?.to_ascii_lowercase();
        Some(RemoveIpc {
            removes: ["yes", "true", "on", "1"].contains(&value.as_str()),
            file: Some(PathBuf::from("/").join(file)),
        })
    });
    said.next_back().unwrap_or(RemoveIpc {
        removes: true,
        file: None,
    })
}

fn lxc_drop_in(world: &World<'_>) -> Option<DropIn> {
    let places = ["etc", "run", "usr/local/lib", "usr/lib"];
    // The first one hides the others, and a link to /dev/null is none.
    let file = places
        .into_iter()
        .map(|place| format!("{place}/systemd/system/service.d/{LXC_DROP_IN}"))
        .find(|file| world.root.join(file).symlink_metadata().is_ok())?;
    let text = world.read(&file).filter(|text| !text.trim().is_empty())?;
    let takes = text.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once('=')?;
        let less = value.is_empty() || ["no", "false", "all", "default"].contains(&value);
        less.then(|| name.to_owned())
    });
    let mask = format!("etc/systemd/system/{UNIT}.d/{LXC_DROP_IN}");
    Some(DropIn {
        takes: takes.collect(),
        masked: world.root.join(mask).symlink_metadata().is_ok(),
        file: PathBuf::from("/").join(file),
    })
}
