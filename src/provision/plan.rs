//! What set-up will do: facts of the machine in, ordered steps out.
//!
//! Pure. Everything that can be known beforehand to stand in the way is found here, all at once,
//! so that nothing is begun that cannot be finished.

use std::collections::BTreeMap;

use super::brought_python::IN_BUNDLE;
use super::model::{
    Candidates, Choice, MB, Node, Packages, Plan, Problem, SetupStep, Survey, Switch, Wanted,
};
use crate::{config::paths::Paths, secrets::SecretKind};
use python::Versioned;

mod python;

/// What is kept free beside the steps themselves: logs, write-ahead log, the next start.
const SPARE: u64 = 200 * MB;
/// What a new cluster takes with the tables of all services.
const DATABASE: u64 = 120 * MB;

/// Decides what is to be done, and says what stands in the way.
pub fn plan(paths: &Paths, facts: &Survey, wanted: &Wanted) -> Plan {
    let (mut problems, choice) = choose(wanted, paths, facts);
    let payloads = python::payloads(facts, wanted, choice.python.as_ref());
    let steps = steps(facts, wanted, &payloads);
    problems.extend(in_the_way(paths, facts, wanted, &steps));
    let parts_of = disk_parts(&steps);
    let needed = parts_of.iter().map(|(_, bytes)| bytes).sum();
    if needed > facts.disk_free {
        problems.push(Problem::Disk {
            state: paths.state.clone(),
            free: facts.disk_free,
            needed,
            parts_of,
        });
    }
    Plan {
        steps,
        problems,
        choice,
        needed,
        state: paths.state.clone(),
    }
}

/// What stands in the way of these steps.
fn in_the_way(paths: &Paths, facts: &Survey, wanted: &Wanted, steps: &[SetupStep]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if needs_ensurepip(steps)
        && let Some(python) = facts.python_for_tools()
        && !python.ensurepip
    {
        problems.push(Problem::NoVenv {
            python: python.path.clone(),
            minor: python.version.1,
        });
    }
    if let Some(pid) = facts.server
        && let Some(cluster) = &wanted.cluster
        && steps.iter().any(SetupStep::is_of_database)
    {
        problems.push(Problem::ServerRunning {
            data: (cluster.data)(paths),
            pid,
        });
    }
    if let Some((kind, how)) = wrong_salt_key(facts) {
        let path = paths.secrets().join(kind.file_name);
        problems.push(Problem::SaltKey { kind, path, how });
    }
    if let Some((folder, lacks)) = &facts.offline_lacks {
        let mut needed = lacks.iter().copied();
        let needed = needed.find(|part| *part != IN_BUNDLE || python::is_brought(steps));
        problems.extend(needed.map(|missing| Problem::Offline {
            folder: folder.clone(),
            missing,
        }));
    }
    problems
}

/// A secret that something in the database is encrypted with, and how it stands to the one that the database
/// was set up with, if that is a problem.
fn wrong_salt_key(facts: &Survey) -> Option<(SecretKind, &'static str)> {
    if facts.cluster.is_none() || facts.salt_key_accepted {
        return None;
    }
    let encrypts = |kinds: &[SecretKind]| kinds.iter().copied().find(|kind| kind.encrypts);
    let missing =
        encrypts(&facts.secrets_missing).map(|kind| (kind, "missing or empty, and it was"));
    missing.or_else(|| encrypts(&facts.secrets_changed).map(|kind| (kind, "not")))
}

fn choose(wanted: &Wanted, paths: &Paths, facts: &Survey) -> (Vec<Problem>, Choice) {
    let mut problems = Vec::new();
    let python = python::choose(wanted, facts);
    let node = facts
        .node
        .as_ref()
        .filter(|node| node.major >= Node::MINIMUM);
    if let Some(named) = &wanted.runtimes.node
        && node.is_none()
    {
        problems.push(Problem::BadNode(named.clone()));
    }
    let mut programs = Vec::new();
    for (program, named) in &wanted.programs {
        let chosen = (program.choose)(&Candidates {
            found: facts.found(program),
            named: named.as_deref(),
            cluster_major: facts.cluster_major,
            paths,
        });
        match chosen {
            Ok(path) => programs.push((*program, path)),
            Err(why) => problems.push(Problem::NoProgram {
                name: program.name,
                why,
            }),
        }
    }
    let choice = Choice {
        python: python.map_err(|problem| problems.insert(0, problem)).ok(),
        python_for_tools: facts.python_for_tools().map(|p| p.path.clone()),
        node: node.map(|n| n.path.clone()),
        programs,
    };
    (problems, choice)
}

/// Only the first environment is made by the machine's Python alone.
fn needs_ensurepip(steps: &[SetupStep]) -> bool {
    steps.iter().any(|step| match step {
        SetupStep::Build(payload, _) => {
            payload.runs_in_set_up && matches!(payload.packages, Packages::Python { .. })
        }
        SetupStep::Secrets(_)
        | SetupStep::Cluster
        | SetupStep::Roles(_)
        | SetupStep::Migrate(..)
        | SetupStep::Switch(_) => false,
    })
}

/// Payloads first, then the database, and the switch when both are as they are to be.
fn steps(facts: &Survey, wanted: &Wanted, payloads: &[Versioned]) -> Vec<SetupStep> {
    let mut steps = Vec::new();
    if !facts.secrets_missing.is_empty() {
        steps.push(SetupStep::Secrets(facts.secrets_missing.clone()));
    }
    let missing = payloads
        .iter()
        .filter(|payload| !facts.complete.contains(payload));
    steps.extend(missing.map(|(payload, folder)| SetupStep::Build(*payload, folder.clone())));
    if wanted.cluster.is_some() {
        steps.extend(of_database(facts, wanted));
    }
    steps.extend(switch(facts, payloads).map(SetupStep::Switch));
    steps
}

/// The cluster, the roles, and then the tables of each service.
fn of_database(facts: &Survey, wanted: &Wanted) -> Vec<SetupStep> {
    let mut steps = Vec::new();
    if facts.cluster.is_none() {
        steps.push(SetupStep::Cluster);
    }
    let database = facts.record.clone().about(facts.cluster).database;
    let fresh = facts.cluster.is_none();
    if fresh || facts.roles.is_none() || database.roles != facts.roles {
        steps.push(SetupStep::Roles(wanted.roles.clone()));
    }
    for tables in &wanted.tables {
        let Some(folder) = wanted.folder(tables.payload.name) else {
            continue;
        };
        if fresh || database.migrations.get(tables.name).map(String::as_str) != Some(folder) {
            steps.push(SetupStep::Migrate(*tables, folder.to_owned()));
        }
    }
    steps
}

/// The switch to what is wanted, if that is not what is in use, or if a link points elsewhere.
fn switch(facts: &Survey, wanted: &[Versioned]) -> Option<Switch> {
    let payloads = payloads(facts, wanted);
    let current = facts.generations.current.as_ref();
    // A payload that is not wanted may have been removed by hand, and then gets no link.
    let is_stray = |payload: &String, folder: &String| {
        let is_there = facts.folders.contains(&(payload.clone(), folder.clone()));
        let mut wanted = wanted.iter();
        let is_wanted = wanted.any(|(of, name)| of.name == payload && name == folder);
        (is_there || is_wanted) && facts.links.get(payload) != Some(folder)
    };
    let needed = current.is_none_or(|current| current.payloads != payloads)
        || payloads
            .iter()
            .any(|(payload, folder)| is_stray(payload, folder));
    needed.then(|| {
        let changed = wanted.iter().filter(|(payload, folder)| {
            let before = facts.generations.folder(payload.name);
            before != Some(folder) || facts.links.get(payload.name) != Some(folder)
        });
        Switch {
            changed: changed.cloned().collect(),
            payloads,
        }
    })
}

/// The payloads of the generation that the switch makes current.
fn payloads(facts: &Survey, wanted: &[Versioned]) -> BTreeMap<String, String> {
    let wanted = wanted
        .iter()
        .map(|(payload, folder)| (payload.name, folder.as_str()));
    facts.generations.payloads_with(wanted)
}

fn disk_parts(steps: &[SetupStep]) -> Vec<(String, u64)> {
    let mut parts: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            SetupStep::Build(payload, _) => Some((payload.name.to_owned(), payload.bytes)),
            SetupStep::Cluster => Some(("database".to_owned(), DATABASE)),
            SetupStep::Secrets(_)
            | SetupStep::Roles(_)
            | SetupStep::Migrate(..)
            | SetupStep::Switch(_) => None,
        })
        .collect();
    if !parts.is_empty() {
        parts.push(("spare".to_owned(), SPARE));
    }
    parts
}

#[cfg(test)]
mod tests;
