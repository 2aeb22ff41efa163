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
    let damaged: Vec<_> = facts.gateway.provision.programs.damaged.iter().collect();
    if !damaged.is_empty() {
        let damaged: Vec<_> = damaged.iter().map(ToString::to_string).collect();
        return Verdict::problem(format!("not complete: {}", damaged.join("; ")))
            .fix(gateway(facts, "setup"));
    }
    match &facts.gateway.provision.missing {
        None => Verdict::ok("complete"),
        Some(missing) => {
            Verdict::problem(format!("not complete: {missing}")).fix(gateway(facts, "setup"))
        }
    }
}
