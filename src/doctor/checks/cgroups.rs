//! Whether there are control groups of version 2.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{facts::Hierarchy, fix::kernel_parameter};

pub(super) const CHECK: Check = Check {
    id: "cgroups",
    group: Group::Systemd,
    title: "cgroups",
    looks: "How control groups are mounted: version 2 alone is what is needed.",
    why: "Only version 2 can be handed to a service without privileges. Without it the \
        gateway runs, and no limit is enforced.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let mounted = match facts.machine.hierarchy {
        Hierarchy::Unified => return Verdict::ok("version 2"),
        Hierarchy::Hybrid => "version 2 is mounted beside version 1, which has the controllers",
        Hierarchy::Legacy => "version 1",
        Hierarchy::None => "not mounted",
    };
    Verdict::warning(mounted).fix(kernel_parameter(
        facts,
        "systemd.unified_cgroup_hierarchy=1",
    ))
}
