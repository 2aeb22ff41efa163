//! Whether the profile fits.

use super::{Check, Facts, Group, Verdict};
use crate::{
    config::profile::{self, Profile},
    doctor::fix::{HostChange, gateway, on_host},
};

pub(super) const CHECK: Check = Check {
    id: "memory",
    group: Group::Machine,
    title: "Memory",
    looks: "The smallest memory limit of our control group and of all above it, or the \
        machine's memory if that is less, against the sum of the services' limits; 3 % \
        are kept for the rest.",
    why: "When the machine has less than the services may take, the kernel kills one of \
        them in the middle of its work.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let Some(machine) = facts.machine.resources else {
        return Verdict::warning(
            "neither /proc/meminfo nor a limit of a control group can be read",
        );
    };
    let settings = &facts.gateway.settings;
    let (schema, services) = (facts.scope.schema, &settings.built_in);
    let cpus = match machine.cpus {
        1 => "1 CPU".to_owned(),
        cpus => format!("{cpus} CPUs"),
    };
    let has = format!("{} MB and {cpus}", machine.memory_bytes / MB);
    let (wanted, room) = (facts.gateway.memory, machine.for_services());
    let profile = &settings.profile;
    let fitting = profile::limited(schema).any(|profile| profile.fits(machine, services));
    if !fitting {
        let least = Profile::for_machine(schema, machine, services).sum(services);
        return Verdict::problem(format!(
            "{has}, and the smallest profile needs {} MB for its services",
            least / MB
        ))
        .fix(on_host(facts, HostChange::Memory));
    }
    if wanted == 0 {
        return Verdict::ok(format!("{has}; profile {profile} limits nothing"));
    }
    if wanted <= room {
        return Verdict::ok(format!(
            "{has}; profile {profile} gives its services {} MB",
            wanted / MB
        ));
    }
    let fits = Profile::for_machine(schema, machine, services);
    Verdict::problem(format!(
        "{has}, of which services can have {} MB, and profile {profile} gives them {} MB",
        room / MB,
        wanted / MB
    ))
    .fix(gateway(facts, &format!("setup --profile {}", fits.name)))
}

const MB: u64 = 1_000_000;
