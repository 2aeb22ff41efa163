//! Whom the gateway runs as.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::fix::{quote, root};

pub(super) const CHECK: Check = Check {
    id: "user",
    group: Group::Systemd,
    title: "User",
    looks: "The user of the gateway: who asks, and for root the owner of AI_GATEWAY_HOME \
        or ai-gateway.",
    why: "Nothing in the gateway needs root, and a database server refuses to run as root.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let name = &facts.scope.user;
    match facts.scope.uid {
        Some(uid) => Verdict::ok(format!("{name} ({uid})")),
        None => Verdict::problem(format!("there is no user {name}")).fix(root(
            facts,
            &format!(
                "useradd --system --user-group --home-dir /var/lib/ai-gateway --create-home {}",
                quote(name)
            ),
        )),
    }
}
