//! Whether systemd is there to start us.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::fix::install;

pub(super) const CHECK: Check = Check {
    id: "systemd",
    group: Group::Systemd,
    title: "systemd",
    looks: "Its version, and whether the machine was booted with it. Older than 252 is a \
        warning.",
    why: "systemd starts the gateway at boot, keeps its logs and hands it the control \
        groups in which limits hold. Without it the gateway runs in the background, \
        without limits.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let systemd = &facts.systemd;
    match systemd.version {
        None => Verdict::warning("not installed"),
        Some(version) if !systemd.booted => Verdict::warning(format!(
            "version {version} is installed, but this machine was not booted with it"
        )),
        Some(version) if version < OLDEST => Verdict::warning(format!(
            "version {version}; from {OLDEST} on it is tested, and a user's services may be limited"
        ))
        .fix(install(facts, "systemd", "systemd")),
        Some(version) => Verdict::ok(format!("version {version}")),
    }
}

/// Debian 12's.
const OLDEST: u32 = 252;
