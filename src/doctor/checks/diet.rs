//! Whether the services have taken every measure of the diet.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::facts::Daemon;

pub(super) const CHECK: Check = Check {
    id: "diet",
    group: Group::Gateway,
    title: "Diet",
    looks: "Whether a service has skipped a measure of [diet] at its last start, because a package is not as it was when the measure was written.",
    why: "A measure that is skipped is memory and time that the service takes again.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let Daemon::Runs(status) = &facts.gateway.daemon else {
        return Verdict::ok("not known while the gateway does not run");
    };
    let skipped = status.diet.skipped.iter();
    let skipped: Vec<_> = skipped
        .map(|skipped| {
            let (service, measure) = (&skipped.service, &skipped.measure);
            format!("{service} skips {measure}: {}", skipped.reason)
        })
        .collect();
    if skipped.is_empty() {
        Verdict::ok("no measure is skipped")
    } else {
        Verdict::warning(skipped.join("; "))
    }
}
