//! Whether there is an nginx.

use super::set_up::PROGRAM;
use crate::doctor::{Check, Facts, Group, Verdict, fix::install};

pub(super) const CHECK: Check = Check {
    id: "nginx",
    group: Group::Programs,
    title: "nginx",
    looks: "Where it is, and its version.",
    why: "It stands in front of Open WebUI and the API. The distribution's own sites are \
        left alone.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let Some(nginx) = facts.gateway.provision.programs.found(&PROGRAM).first() else {
        return Verdict::problem("not found").fix(install(facts, "nginx-light", "nginx-core"));
    };
    let path = nginx.path.display();
    match &nginx.version {
        Some(version) => Verdict::ok(format!("{version} ({path})")),
        None => Verdict::problem(format!("{path} does not tell its version")).fix(install(
            facts,
            "--reinstall nginx-light",
            "nginx-core",
        )),
    }
}
