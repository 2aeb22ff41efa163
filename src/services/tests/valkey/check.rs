//! Whether there is a Valkey.

use super::set_up::PROGRAM;
use crate::doctor::{Check, Facts, Group, Verdict};

pub(super) const CHECK: Check = Check {
    id: "valkey",
    group: Group::Programs,
    title: "Valkey",
    looks: "Which program it is.",
    why: "LiteLLM would keep what it remembers in it.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    match facts.gateway.provision.programs.found(&PROGRAM).first() {
        Some(found) => Verdict::ok(found.path.display().to_string()),
        None => Verdict::problem("not found"),
    }
}
