//! Whether enough files may be open.

use super::{Check, Facts, Group, Verdict};
use crate::open_files;

pub(super) const CHECK: Check = Check {
    id: "open-files",
    group: Group::Machine,
    title: "Open files",
    looks: "How many files and connections a process may have open: the hard limit of the \
        daemon, or while it does not run that of this command.",
    why: "The gateway raises its own limit as far as it may. With too few, requests fail when \
        there are many of them. The hard limit is LimitNOFILE= in a unit, otherwise that of \
        nofile in limits.conf(5), and applies from the next login on.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let Some(most) = facts.gateway.open_files else {
        return Verdict::warning("the kernel does not tell how many may be open");
    };
    match open_files::lack(most) {
        None => Verdict::ok(format!("{most} may be open")),
        Some(lack) if most < MUST => Verdict::problem(lack),
        Some(lack) => Verdict::warning(lack),
    }
}

/// With fewer, requests of a single busy user fail.
const MUST: u64 = 512;
