//! Whether the secrets are all there.

use super::{Check, Facts, Group, Verdict};
use crate::{doctor::fix::gateway, secrets::Kind};

pub(super) const CHECK: Check = Check {
    id: "secrets",
    group: Group::Gateway,
    title: "Secrets",
    looks: "Whether every secret exists and has something in it. A lost salt key beside a \
        database is told apart: no new one is made for it.",
    why: "The services do not start without them; and what the salt key has encrypted, \
        no other key can read.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let gateway_facts = &facts.gateway;
    let names = |kinds: &[Kind]| {
        let names: Vec<_> = kinds.iter().map(|kind| kind.file_name()).collect();
        names.join(", ")
    };
    let (missing, empty) = (&gateway_facts.secrets_missing, &gateway_facts.secrets_empty);
    if gateway_facts.database && missing.contains(&Kind::LitellmSaltKey) {
        return Verdict::problem(
            "the salt key is gone, with which the providers' keys in the database are encrypted: \
             restore it from a backup",
        );
    }
    if !empty.is_empty() {
        return Verdict::problem(format!(
            "nothing is in: {}; restore them from a backup",
            names(empty)
        ));
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
