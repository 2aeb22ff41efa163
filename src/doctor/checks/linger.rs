//! Whether a person may leave.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{
    facts::Mode,
    fix::{quote, root},
};

pub(super) const CHECK: Check = Check {
    id: "linger",
    group: Group::Systemd,
    title: "Linger",
    looks: "For a person's gateway: whether that user lingers.",
    why: "Without lingering, systemd ends the gateway when its user logs out and does \
        not start it at boot.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let user = &facts.scope.user;
    if facts.scope.mode == Mode::System {
        return Verdict::ok("not needed for the machine's gateway");
    }
    if !facts.systemd.booted {
        return Verdict::ok("nobody logs the gateway out without systemd");
    }
    if facts.systemd.linger {
        return Verdict::ok(format!("{user} lingers"));
    }
    Verdict::warning(format!("{user} does not linger")).fix(root(
        facts,
        &format!("loginctl enable-linger {}", quote(user)),
    ))
}
