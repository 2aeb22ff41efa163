//! Whether set-up is done.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::fix::gateway;

pub(super) const CHECK: Check = Check {
    id: "setup",
    group: Group::Gateway,
    title: "Set-up",
    looks: "Whether everything that a start needs was made, by this version and with these \
        settings.",
    why: "A start downloads, generates and migrates nothing, so all of it has to be \
        there before.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    match &facts.gateway.provision.missing {
        None => Verdict::ok("complete"),
        Some(missing) => {
            Verdict::problem(format!("not complete: {missing}")).fix(gateway(facts, "setup"))
        }
    }
}
