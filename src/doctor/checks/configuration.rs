//! Whether gateway.toml is valid.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{
    facts::{Configuration, Daemon},
    fix::gateway,
};

pub(super) const CHECK: Check = Check {
    id: "configuration",
    group: Group::Gateway,
    title: "Configuration",
    looks: "All that 'ai-gateway config check' looks at, but for the ports, and whether what runs is what the file says.",
    why: "The gateway does not start with a configuration that is wrong.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let path = facts.scope.paths.config.display();
    let valid = matches!(facts.gateway.configuration, Configuration::Right { .. });
    if let (true, Daemon::Runs(status)) = (valid, &facts.gateway.daemon) {
        let state = &status.configuration;
        if let Some(why) = &state.refused {
            return Verdict::warning(format!("the last reload was refused: {why}"))
                .because(
                    "The configuration from before that reload stays in effect until one succeeds.",
                )
                .fix(gateway(facts, "config check"));
        }
        if !state.differs.is_empty() {
            let keys = state.differs.join(", ");
            return Verdict::warning(format!("{path} differs from what runs: {keys}"))
                .because(
                    "A change of the file takes effect at the next reload or restart, whoever asks for that.",
                )
                .fix(gateway(facts, "reload"));
        }
    }
    match &facts.gateway.configuration {
        Configuration::Wrong(wrong) => Verdict::problem(format!("{path}: {}", wrong.join("; ")))
            .fix(gateway(facts, "config check")),
        Configuration::Right { warnings } if warnings.is_empty() => {
            let profile = &facts.gateway.settings.profile;
            let entries = &facts.gateway.entries;
            let there = entries
                .iter()
                .any(|entry| entry.path == facts.scope.paths.config);
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
