//! Whether there is room.

use super::{Check, Facts, Group, Verdict};
use crate::{
    disk::Room,
    doctor::{
        facts::Packages,
        fix::{HostChange, on_host, roots},
    },
};

pub(super) const CHECK: Check = Check {
    id: "disk",
    group: Group::Machine,
    title: "Disk",
    looks: "What set-up would still take against what the disk has left where the state \
        lives. Once it is set up, less than 1 GB left is a warning and less than 200 \
        MB a problem, and so is one that is full or takes no more files, be it the \
        state's, one that is mounted within it, or that of the folder run.",
    why: "A database server stops when it cannot write, and a set-up that runs out of room \
        has to begin that step again.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let state = facts.scope.paths.state.display();
    let provision = &facts.gateway.provision;
    let (needed, free) = match (&provision.needed, provision.free) {
        (Ok(needed), Some(free)) => (*needed, free),
        (Err(why), _) => return Verdict::warning(format!("it cannot be told: {why}")),
        (Ok(_), None) => return Verdict::warning("it cannot be told"),
    };
    let full = facts.gateway.disks.iter().filter_map(Room::lack);
    let full: Vec<_> = full.collect();
    if needed == 0 && !full.is_empty() {
        return Verdict::problem(full.join("; "))
            .fix(on_host(facts, HostChange::Disk).or_else(|| Some(make_room(facts))));
    }
    let has = format!("{state} has {} MB left", free / MB);
    let mend = || on_host(facts, HostChange::Disk).or_else(|| Some(make_room(facts)));
    if needed > free {
        return Verdict::problem(format!("{has}, and set-up needs {} MB", needed / MB)).fix(mend());
    }
    match free {
        _ if needed > 0 => Verdict::ok(format!("{has}; set-up needs {} MB", needed / MB)),
        0..TIGHT => Verdict::problem(has).fix(mend()),
        TIGHT..LITTLE => Verdict::warning(has).fix(mend()),
        _ => Verdict::ok(has),
    }
}

/// What can be had again, and what nobody reads any more.
fn make_room(facts: &Facts) -> String {
    let journal = "journalctl --vacuum-size=100M";
    match facts.machine.packages {
        Packages::Apt => roots(facts, &["apt clean", journal]),
        Packages::Dnf => roots(facts, &["dnf clean all", journal]),
        Packages::Other => roots(facts, &[journal]),
    }
}

const MB: u64 = 1_000_000;
const TIGHT: u64 = 200 * MB;
const LITTLE: u64 = 1_000 * MB;
