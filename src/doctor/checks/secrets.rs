//! Whether the secrets are all there.

use super::{Check, Facts, Group, Verdict};
use crate::{
    doctor::fix::gateway,
    secrets::{self, SecretKind},
};

pub(super) const CHECK: Check = Check {
    id: "secrets",
    group: Group::Gateway,
    title: "Secrets",
    looks: "Whether every secret exists, has something in it, and is the one that the database was \
        set up with, by a salted hash in set-up's record. A lost salt key beside a \
        database is told apart: no new one is made for it.",
    why: "The services do not start without them; and what the salt key has encrypted, \
        no other key can read.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let gateway_facts = &facts.gateway;
    let names = |kinds: &[SecretKind]| {
        let names: Vec<_> = kinds.iter().map(|kind| kind.file_name).collect();
        names.join(", ")
    };
    let (missing, empty) = (&gateway_facts.secrets_missing, &gateway_facts.secrets_empty);
    if gateway_facts.database && missing.iter().any(|kind| kind.encrypts) {
        return Verdict::problem(
            "the salt key is gone, with which the providers' keys in the database are encrypted: \
             restore it from a backup, or go on with a new one and enter those keys anew",
        )
        .fix(gateway(facts, "setup --accept-salt-key"));
    }
    if !empty.is_empty() {
        return Verdict::problem(format!(
            "nothing is in: {}; restore them from a backup, or have new ones made ({})",
            names(empty),
            lost(empty)
        ))
        .fix(go_on(facts, empty));
    }
    let changed = &gateway_facts.secrets_changed;
    if !changed.is_empty() {
        return Verdict::problem(format!(
            "not those that the database was set up with: {}; restore them from a backup, or go on \
             with these ({})",
            names(changed),
            lost(changed)
        ))
        .fix(go_on(facts, changed));
    }
    if !missing.is_empty() {
        return Verdict::problem(format!("missing: {}", names(missing)))
            .fix(gateway(facts, "setup"));
    }
    if !gateway_facts.database && gateway_facts.entries.is_empty() {
        return Verdict::ok("set-up makes them");
    }
    Verdict::ok("all are there")
}

fn lost(kinds: &[SecretKind]) -> String {
    let lost: Vec<_> = kinds.iter().map(|kind| kind.lost).collect();
    lost.join("; ")
}

fn go_on(facts: &Facts, kinds: &[SecretKind]) -> String {
    let command = secrets::go_on(kinds);
    let arguments = command.strip_prefix("ai-gateway ").unwrap_or(command);
    gateway(facts, arguments)
}
