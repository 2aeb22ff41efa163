//! The units of systemd as they fit this machine: where the program is, what this systemd knows,
//! and which ports are asked for. The files in `units/` are what a package installs.

use std::path::Path;

use crate::config::settings::Settings;

/// The unit of the whole machine, as a package installs it.
pub const SYSTEM: &str = include_str!("../../units/ai-gateway.service");

/// The unit of one user, as a package installs it.
pub const USER: &str = include_str!("../../units/user/ai-gateway.service");

/// The slice, as a package installs it.
pub const SLICE: &str = include_str!("../../units/ai-gateway.slice");

/// Where a package puts the program.
const PACKAGED: &str = "/usr/bin/ai-gateway";

/// The first systemd that waits for a reload by notification (systemd.service(5), `Type=`).
const NOTIFY_RELOAD: u32 = 253;

/// Ports below this one are not everybody's.
const FREE_PORTS: u16 = 1024;

/// Of one CPU in systemd's terms, for each thousandth in ours.
const MILLI_PER_CENT: u32 = 10;

/// What the daemon itself may use of the slice.
const DAEMON_BYTES: u64 = 64 << 20;

/// The machine that a unit is for.
#[derive(Debug, Clone, Copy)]
pub struct GatewayUnit<'a> {
    /// Of one user, not of the machine.
    pub user: bool,
    /// Where the program is.
    pub program: &'a Path,
    /// The version of systemd, if it is known.
    pub systemd: Option<u32>,
    /// Whether it is to listen on ports that are not everybody's.
    pub low_ports: bool,
    /// A folder of its own, and the user whose it is.
    pub home: Option<(&'a Path, &'a str)>,
}

/// The service's unit.
pub fn service(target: &GatewayUnit<'_>) -> String {
    let template = if target.user { USER } else { SYSTEM };
    let waits = target
        .systemd
        .is_some_and(|version| version >= NOTIFY_RELOAD);
    let mut unit = String::with_capacity(template.len());
    for line in template.lines() {
        match line.split_once('=') {
            Some(("Type", _)) if waits => unit.push_str("Type=notify-reload"),
            // systemd sends the signal by itself, and waits for our word.
            Some(("ExecReload", _)) if waits => continue,
            Some((key @ ("ExecStart" | "ExecReload"), command)) => {
                let arguments = command.strip_prefix(PACKAGED).unwrap_or(command);
                unit.push_str(&format!("{key}={}{arguments}", quoted(target.program)));
            }
            Some((key @ ("CapabilityBoundingSet" | "AmbientCapabilities"), _))
                if target.low_ports =>
            {
                unit.push_str(&format!("{key}=CAP_NET_BIND_SERVICE"));
            }
            // What a folder of its own has takes the place of these.
            Some((key, _)) if target.home.is_some() && is_of_the_machine(key) => continue,
            _ => match target.home {
                Some(home) => unit.push_str(&at_home(line, home)),
                None => unit.push_str(line),
            },
        }
        unit.push('\n');
    }
    unit
}

fn is_of_the_machine(key: &str) -> bool {
    let key = key.strip_suffix("Mode").unwrap_or(key);
    matches!(
        key,
        "Group" | "ConfigurationDirectory" | "StateDirectory" | "RuntimeDirectory"
    )
}

/// A line as it is for a gateway in a folder of its own, which has to be named, the user's, and
/// writable.
fn at_home(line: &str, (home, user): (&Path, &str)) -> String {
    let below = |folders: &[&str]| folders.iter().any(|folder| home.starts_with(folder));
    match line.split_once('=') {
        Some(("User", _)) => format!("User={user}"),
        Some(("UMask", _)) => {
            let assignment = format!("AI_GATEWAY_HOME={}", home.display());
            format!("Environment={}\n{line}", quoted(Path::new(&assignment)))
        }
        Some(("ProtectSystem", _)) => format!("{line}\nReadWritePaths={}", quoted(home)),
        Some(("ProtectHome", _)) if below(&["/home", "/root", "/run/user"]) => {
            "ProtectHome=no".to_owned()
        }
        Some(("PrivateTmp", _)) if below(&["/tmp", "/var/tmp"]) => "PrivateTmp=no".to_owned(),
        _ => line.to_owned(),
    }
}

/// The slice, with what the services may use together as a backstop, where each has a limit.
pub fn slice(settings: &Settings) -> String {
    let limits = || settings.limits.values();
    let memory: Option<u64> = limits().map(|limits| limits.memory_max).sum();
    let cpu: Option<u32> = limits().map(|limits| limits.cpu_milli).sum();
    let mut slice = SLICE.to_owned();
    if settings.limits.is_empty() || (memory.is_none() && cpu.is_none()) {
        return slice;
    }
    slice.push_str(&format!(
        "\n[Slice]\n# The services of profile {} together. Made again after a change of profile.\n",
        settings.profile
    ));
    if let Some(memory) = memory {
        slice.push_str(&format!("MemoryMax={}\n", memory + DAEMON_BYTES));
    }
    if let Some(cpu) = cpu {
        slice.push_str(&format!("CPUQuota={}%\n", cpu.div_ceil(MILLI_PER_CENT)));
    }
    slice
}

/// Whether a port is asked for that is not everybody's.
pub const fn low_ports(settings: &Settings) -> bool {
    settings.listen.port < FREE_PORTS || settings.listen.admin_port < FREE_PORTS
}

/// The number in the first line of `systemctl --version`: `systemd 252 (252.38-1~deb12u1)`.
pub fn version(text: &str) -> Option<u32> {
    let word = text.strip_prefix("systemd ")?.split_whitespace().next()?;
    let digits = word.find(|c: char| !c.is_ascii_digit());
    word[..digits.unwrap_or(word.len())].parse().ok()
}

/// As a word of a command line (systemd.service(5), COMMAND LINES).
fn quoted(path: &Path) -> String {
    let path = path
        .display()
        .to_string()
        .replace('%', "%%")
        .replace('$', "$$");
    if path.contains([' ', '\t', '"', '\'', '\\', ';']) {
        format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        path
    }
}

#[cfg(test)]
mod tests;
