//! What we are on.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::facts::{ContainerManager, Virtualization};

pub(super) const CHECK: Check = Check {
    id: "system",
    group: Group::Machine,
    title: "System",
    looks: "The distribution, the kernel, and whether this is a machine of its own, a \
        virtual one or a container.",
    why: "In a container the host decides on memory, control groups and the clock, so \
        some things can only be fixed there; and a container made for one program has \
        no systemd.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let machine = &facts.machine;
    let on = format!("{}, Linux {}", machine.distribution, machine.kernel);
    match &machine.kind {
        Virtualization::Bare => Verdict::ok(format!("{on}, on bare metal")),
        Virtualization::Virtual(make) => {
            Verdict::ok(format!("{on}, in a virtual machine ({make})"))
        }
        Virtualization::Container(make) => {
            let what = if machine.unprivileged {
                "an unprivileged container"
            } else {
                "a container"
            };
            let by = match machine.keeper {
                Some(ContainerManager::Proxmox) => ", Proxmox VE",
                Some(ContainerManager::Incus) => ", Incus",
                Some(ContainerManager::Lxd) => ", LXD",
                Some(ContainerManager::Lxc) | None => "",
            };
            Verdict::ok(format!("{on}, in {what} ({make}{by})"))
        }
        Virtualization::Unknown => Verdict::ok(on),
    }
}
