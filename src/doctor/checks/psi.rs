//! Whether pressure can be told.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{facts::Kind, fix::roots};

pub(super) const CHECK: Check = Check {
    id: "psi",
    group: Group::Machine,
    title: "Pressure (PSI)",
    looks: "Whether /proc/pressure/memory can be read.",
    why: "It tells how long work waits for memory, CPU and disk, which is the best sign \
        that a machine is too small. Without it, that is not shown.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let machine = &facts.machine;
    if machine.psi {
        return Verdict::ok("the kernel tells it");
    }
    let verdict = Verdict::warning("the kernel does not tell it");
    match machine.kind {
        Kind::Container(_) => verdict,
        Kind::Bare | Kind::Virtual(_) | Kind::Unknown => verdict.fix(roots(
            facts,
            &[
                "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&psi=1 /' /etc/default/grub",
                "update-grub",
                "reboot",
            ],
        )),
    }
}
