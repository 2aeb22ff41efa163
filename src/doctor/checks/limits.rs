//! Whether limits hold.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{facts::Daemon, fix::systemctl};

pub(super) const CHECK: Check = Check {
    id: "limits",
    group: Group::Gateway,
    title: "Limits",
    looks: "Whether the daemon that runs could put its services into control groups with \
        the limits of the profile.",
    why: "Without limits one service can take the memory of all.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let Daemon::Runs(status) = &facts.gateway.daemon else {
        return Verdict::ok("told once the gateway runs");
    };
    if status.limits.enforced {
        return Verdict::ok("enforced by the kernel");
    }
    let why = status.limits.reason.as_deref().unwrap_or("nobody said why");
    let unit = facts.systemd.unit.as_ref();
    let loaded = unit.is_some_and(|unit| unit.load == "loaded");
    Verdict::warning(format!("not enforced: {why}"))
        .fix(loaded.then(|| systemctl(facts, "restart ai-gateway")))
}
