//! Whether the ports are free.

use super::{Check, Facts, Group, Verdict};
use crate::{
    config::ports::{Reason, address_key},
    doctor::{facts::Daemon, fix::gateway},
};

pub(super) const CHECK: Check = Check {
    id: "ports",
    group: Group::Network,
    title: "Ports",
    looks: "Whether listen.port, listen.admin_port and the addresses of services of your own can be \
        listened on, by trying; while the gateway runs it has them.",
    why: "The gateway does not start when another program uses one of its ports, and a service of your \
        own does not when another program uses its address.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let ports = &facts.gateway.ports;
    let numbers: Vec<String> = ports.iter().map(|port| port.number.to_string()).collect();
    let numbers = match numbers.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        few => few.concat(),
    };
    if matches!(facts.gateway.daemon, Daemon::Runs(_)) {
        return Verdict::ok(format!("{numbers} are the gateway's"));
    }
    // Ports below 1024 have a check of their own, as root may use them and the gateway may not.
    let taken = ports.iter().filter_map(|port| port.taken.as_ref());
    let taken: Vec<_> = taken
        .filter(|taken| taken.reason != Reason::Privileged)
        .collect();
    let Some(first) = taken.first() else {
        return Verdict::ok(format!("{numbers} are free"));
    };
    let found: Vec<String> = taken
        .iter()
        .map(|taken| format!("{} ({}): {}", taken.address, taken.key, taken.reason))
        .collect();
    let set = |free| gateway(facts, &format!("config set {} {free}", first.key));
    let mend = match first.reason {
        Reason::NotOurs => {
            let key = address_key(&first.key);
            let set = || gateway(facts, &format!("config set {key} 127.0.0.1"));
            first.is_the_gateways().then(set)
        }
        Reason::Held { .. } | Reason::HeldBySomebody | Reason::Privileged | Reason::Other(_) => {
            first.free.filter(|_| first.is_the_gateways()).map(set)
        }
    };
    Verdict::problem(found.join("; ")).fix(mend)
}
