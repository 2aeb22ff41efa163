//! Whether ports below 1024 may be used.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::fix::{root, roots};

pub(super) const CHECK: Check = Check {
    id: "low-ports",
    group: Group::Network,
    title: "Low ports",
    looks: "If a port of the gateway is below 1024: whether \
        net.ipv4.ip_unprivileged_port_start lets everybody use it.",
    why: "The gateway has no privileges, and the kernel keeps low ports for those who \
        have.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let first = facts.machine.first_port;
    let low = facts.gateway.ports.iter().map(|port| port.number).min();
    let Some(low) = low.filter(|low| *low < first) else {
        return Verdict::ok(format!("everybody may listen from {first} on"));
    };
    let tee = root(facts, "tee /etc/sysctl.d/50-ai-gateway-low-ports.conf");
    Verdict::problem(format!(
        "the gateway is to listen on {low}, and only privileged programs may below {first}"
    ))
    .fix(format!(
        "echo net.ipv4.ip_unprivileged_port_start={low} | {tee} && {}",
        roots(facts, &["sysctl --system"])
    ))
}
