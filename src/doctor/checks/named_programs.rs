//! Whether what the configuration names is there.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::fix::{as_user, quote};

pub(super) const CHECK: Check = Check {
    id: "named-programs",
    group: Group::Programs,
    title: "Named programs",
    looks: "Whether every program that the configuration names exists and can be executed.",
    why: "A service whose program is not there cannot be started.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let missing = &facts.gateway.not_programs;
    if missing.is_empty() {
        return Verdict::ok("all are there");
    }
    let all: Vec<String> = missing
        .iter()
        .map(|(key, path)| format!("{key} names {}, which is no program", path.display()))
        .collect();
    let config = facts.scope.paths.config.to_string_lossy();
    Verdict::problem(all.join("; ")).fix(as_user(
        facts,
        &format!("\"${{EDITOR:-vi}}\" {}", quote(&config)),
    ))
}
