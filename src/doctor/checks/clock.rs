//! Whether the time is right.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{
    facts::Virtualization,
    fix::{install, roots},
};

pub(super) const CHECK: Check = Check {
    id: "clock",
    group: Group::Machine,
    title: "Clock",
    looks: "Whether the kernel's clock is kept right by something, as the kernel itself \
        says, and whether the year can be.",
    why: "With a wrong clock no TLS connection to a provider is made, budgets begin at \
        the wrong time, and logins end early.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let machine = &facts.machine;
    let mend = || match machine.kind {
        // A container has the clock of its host.
        Virtualization::Container(_) => Some("timedatectl set-ntp true  # on the host".to_owned()),
        Virtualization::Bare | Virtualization::Virtual(_) | Virtualization::Unknown
            if facts.systemd.booted =>
        {
            let install = install(facts, "systemd-timesyncd", "chrony");
            let set = roots(facts, &["timedatectl set-ntp true"]);
            install.map(|install| format!("{install} && {set}"))
        }
        Virtualization::Bare | Virtualization::Virtual(_) | Virtualization::Unknown => {
            install(facts, "chrony", "chrony")
        }
    };
    if machine.year < OLDEST {
        return Verdict::problem(format!("the clock says {}", machine.year)).fix(mend());
    }
    match machine.synchronised {
        Some(true) => Verdict::ok("synchronised"),
        Some(false) => Verdict::warning("nothing keeps the clock right").fix(mend()),
        None => Verdict::warning("the kernel does not say whether the clock is right"),
    }
}

/// No certificate of today is as old as that.
const OLDEST: u64 = 2025;
