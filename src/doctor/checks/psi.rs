//! Whether pressure can be told.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::fix::kernel_parameter;

pub(super) const CHECK: Check = Check {
    id: "psi",
    group: Group::Machine,
    title: "Pressure (PSI)",
    looks: "Whether /proc/pressure/memory can be read; if not, whether the kernel could by its configuration in /boot.",
    why: "It tells how long work waits for memory, CPU and disk, which is the best sign \
        that a machine is too small. Without it one has to guess.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let machine = &facts.machine;
    if machine.psi {
        return Verdict::ok("the kernel tells it");
    }
    let verdict = Verdict::warning("the kernel does not tell it");
    if machine.psi_is_built {
        verdict.fix(kernel_parameter(facts, "psi=1"))
    } else {
        verdict
    }
}
