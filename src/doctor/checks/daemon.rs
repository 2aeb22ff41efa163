//! Whether it runs.

use super::{Check, Facts, Group, Verdict};
use crate::{
    control::types::GatewayState,
    doctor::{
        facts::Daemon,
        fix::{gateway, systemctl},
    },
};

pub(super) const CHECK: Check = Check {
    id: "daemon",
    group: Group::Gateway,
    title: "Daemon",
    looks: "Whether the daemon answers on its socket, and what it says of its services.",
    why: "It is what keeps the services running.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let status = match &facts.gateway.daemon {
        Daemon::Runs(status) => status,
        Daemon::Silent(why) => return Verdict::problem(why.clone()).fix(mend(facts, "restart")),
        Daemon::Stopped => {
            return Verdict::warning("it does not run").fix(mend(facts, "start"));
        }
    };
    let services = status.services.iter();
    let outdated = services.filter_map(|(name, service)| {
        let why = service.outdated.as_ref()?;
        Some(format!("{name} goes on with its old files: {why}"))
    });
    let outdated: Vec<_> = outdated.collect();
    let count = status.services.len();
    match status.state {
        GatewayState::Ready if !outdated.is_empty() => Verdict::warning(outdated.join("; ")),
        GatewayState::Ready => Verdict::ok(format!("it runs, all {count} services are ready")),
        GatewayState::Starting => Verdict::ok("it runs, and its services are starting"),
        GatewayState::Stopping => Verdict::warning("it is stopping"),
        GatewayState::Stopped => {
            Verdict::warning("it runs, and its services are stopped").fix(gateway(facts, "start"))
        }
        GatewayState::Degraded => Verdict::problem("it runs, and not all of its services do")
            .fix(gateway(facts, "status")),
    }
}

/// Through systemd where that has the unit.
fn mend(facts: &Facts, verb: &str) -> String {
    match &facts.systemd.unit {
        Some(unit) if unit.load == "loaded" => systemctl(facts, &format!("{verb} ai-gateway")),
        _ => gateway(facts, verb),
    }
}
