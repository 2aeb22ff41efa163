//! Whether a process can shut itself off from files.

use super::{Check, Facts, Group, Verdict};

pub(super) const CHECK: Check = Check {
    id: "landlock",
    group: Group::Machine,
    title: "Landlock",
    looks: "The version of Landlock's interface, as the kernel answers.",
    why: "With it a service can be kept away from files that are none of its own, \
        without any privilege. Without it, users and modes are what keeps them apart.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    match facts.machine.landlock {
        Some(version) => Verdict::ok(format!("version {version}")),
        None => Verdict::warning("this kernel has it not, or not switched on"),
    }
}
