//! Whether there is a Valkey.

use super::settings;
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
    let program = settings::program(&facts.gateway.settings);
    Verdict::ok(program.display().to_string())
}
