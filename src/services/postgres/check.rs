//! Whether there is a PostgreSQL.

use super::set_up::{MINIMUM, PROGRAM, fitting};
use crate::{
    doctor::{Check, Facts, Group, Verdict, fix::install},
    provision::model::FoundProgram,
};

pub(super) const CHECK: Check = Check {
    id: "postgres",
    group: Group::Programs,
    title: "PostgreSQL",
    looks: "Its programs, of version 13 or newer, and once there is a database those of \
        the version that made it.",
    why: "LiteLLM and Open WebUI keep everything in it. The distribution's own cluster \
        is left alone.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let programs = &facts.gateway.provision.programs;
    let found = programs.found(&PROGRAM);
    if let Some(postgres) = fitting(found, programs.cluster_major) {
        return Verdict::ok(named(postgres));
    }
    let found: Vec<String> = found.iter().map(named).collect();
    match programs.cluster_major {
        Some(major) => Verdict::problem(format!(
            "the database was made by version {major}, whose programs were not found"
        ))
        .fix(install(
            facts,
            &format!("postgresql-{major}"),
            &format!("postgresql{major}-server"),
        )),
        None if found.is_empty() => Verdict::problem("not found").fix(package(facts)),
        None => Verdict::problem(format!(
            "{}, and {} or newer is needed",
            found.join(" and "),
            MINIMUM
        ))
        .fix(package(facts)),
    }
}

fn named(found: &FoundProgram) -> String {
    let version = found.version.as_deref().unwrap_or_default();
    format!("{version} ({})", found.path.display())
}

fn package(facts: &Facts) -> Option<String> {
    install(facts, "postgresql", "postgresql-server")
}
