//! Whether gateway.toml is valid.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{facts::Configuration, fix::gateway};

pub(super) const CHECK: Check = Check {
    id: "configuration",
    group: Group::Gateway,
    title: "Configuration",
    looks: "All that 'ai-gateway config check' looks at, but for the ports.",
    why: "The gateway does not start with a configuration that is wrong.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let path = facts.asked.paths.config.display();
    match &facts.gateway.configuration {
        Configuration::Wrong(wrong) => Verdict::problem(format!("{path}: {}", wrong.join("; ")))
            .fix(gateway(facts, "config check")),
        Configuration::Right { warnings } if warnings.is_empty() => {
            let profile = &facts.gateway.settings.profile;
            let entries = &facts.gateway.entries;
            let there = entries
                .iter()
                .any(|entry| entry.path == facts.asked.paths.config);
            Verdict::ok(if there {
                format!("{path} is valid; profile {profile}")
            } else {
                format!("there is no {path}, so the defaults are in effect; profile {profile}")
            })
        }
        Configuration::Right { warnings } => {
            Verdict::warning(format!("{path}: {}", warnings.join("; ")))
                .fix(gateway(facts, "config check"))
        }
    }
}
