//! Whether our variables are spelt right.

use super::{Check, Facts, Group, Verdict};

pub(super) const CHECK: Check = Check {
    id: "environment",
    group: Group::Gateway,
    title: "Environment",
    looks: "Variables that begin with AI_GATEWAY_ and that nobody knows.",
    why: "A variable that is spelt wrong is not an error to anybody: it just does \
        nothing.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let unknown = &facts.gateway.unknown;
    if unknown.is_empty() {
        return Verdict::ok("every AI_GATEWAY_ variable is known");
    }
    let found: Vec<String> = unknown
        .iter()
        .map(|(name, near)| match near {
            Some(near) => format!("{name} is unknown: {near} was probably meant"),
            None => format!("{name} is unknown"),
        })
        .collect();
    let mend: Vec<String> = unknown
        .iter()
        .map(|(name, near)| match near {
            // The value stays out of sight.
            Some(near) => format!("export {near}=\"${name}\" && unset {name}"),
            None => format!("unset {name}"),
        })
        .collect();
    Verdict::warning(found.join("; ")).fix(mend.join(" && "))
}
