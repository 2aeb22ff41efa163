//! Whether LXC lets services have their sandboxes.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::fix::{HostChange, on_host};

pub(super) const CHECK: Check = Check {
    id: "nesting",
    group: Group::Machine,
    title: "Nesting",
    looks: "In LXC: whether the container may mount /proc and /sys anew, by the uncovered \
        ones that LXC leaves below /dev/.lxc for that.",
    why: "Without nesting, services whose units ask for a sandbox or for credentials \
        fail in newer distributions, systemd's own among them.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    if facts.machine.keeper.is_none() {
        return Verdict::ok("not an LXC container");
    }
    if facts.machine.nesting {
        return Verdict::ok("this LXC container may nest");
    }
    Verdict::warning("this LXC container may not nest").fix(on_host(facts, HostChange::Nesting))
}
