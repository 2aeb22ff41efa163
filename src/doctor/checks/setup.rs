//! Whether set-up is done.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::fix::gateway;

pub(super) const CHECK: Check = Check {
    id: "setup",
    group: Group::Gateway,
    title: "Set-up",
    looks: "Whether everything that a start needs was made, by this version and with these \
        settings; and whether every file of every installed package is still there, with the list \
        of them that was installed.",
    why: "A start downloads, generates and migrates nothing, so set-up must have done all of it.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let provision = &facts.gateway.provision;
    let damaged = provision.programs.damaged.iter().map(ToString::to_string);
    let lacks: Vec<_> = provision.missing.iter().cloned().chain(damaged).collect();
    if lacks.is_empty() {
        return Verdict::ok("complete");
    }
    Verdict::problem(format!("not complete: {}", lacks.join("; "))).fix(gateway(facts, "setup"))
}
