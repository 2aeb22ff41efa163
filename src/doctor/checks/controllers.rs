//! What may be limited.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{
    facts::{Hierarchy, Mode},
    fix::{root, roots},
};

pub(super) const CHECK: Check = Check {
    id: "controllers",
    group: Group::Systemd,
    title: "Controllers",
    looks: "Which controllers the manager that starts the gateway has: cpu, memory and \
        pids are needed; io is welcome.",
    why: "A limit is in effect only where its controller was handed down to the gateway. A \
        user's manager gets what user@.service delegates.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    if facts.machine.hierarchy != Hierarchy::Unified {
        return Verdict::ok("none to hand out without version 2 of control groups");
    }
    let Some(has) = &facts.machine.controllers else {
        return Verdict::warning("no manager of this user runs that could be asked");
    };
    let missing = |wanted: &[&'static str]| {
        let missing = wanted
            .iter()
            .filter(|name| !has.iter().any(|has| has == *name));
        missing.copied().collect::<Vec<_>>()
    };
    let needed = missing(&NEEDED);
    if needed.is_empty() {
        let io = if missing(&["io"]).is_empty() {
            " and io"
        } else {
            ", but not io"
        };
        return Verdict::ok(format!("cpu, memory, pids{io}"));
    }
    let verdict = Verdict::warning(format!("not delegated: {}", needed.join(", ")));
    match (facts.scope.mode, facts.scope.uid) {
        (Mode::User | Mode::Folder, Some(uid)) if uid != 0 => {
            let tee = root(
                facts,
                "tee /etc/systemd/system/user@.service.d/ai-gateway.conf",
            );
            verdict.fix(format!(
                "{} && printf '[Service]\\nDelegate=cpu memory pids io\\n' | {tee} && {}",
                root(facts, "mkdir -p /etc/systemd/system/user@.service.d"),
                roots(
                    facts,
                    &[
                        "systemctl daemon-reload",
                        &format!("systemctl restart user@{uid}.service")
                    ]
                )
            ))
        }
        _ => verdict,
    }
}

/// Without these, a limit of a profile would not hold.
const NEEDED: [&str; 3] = ["cpu", "memory", "pids"];
