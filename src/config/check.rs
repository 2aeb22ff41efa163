//! Finds values that are valid alone, but wrong together or wrong on this machine.

mod listening;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    profile::{Resources, limited},
    report::{Place, Problem, nearest},
    resolve::{Merged, Origin},
    schema::Key,
    settings::CustomProbe,
    value::{Value, cpus_text, megabytes, size_text},
};

/// The least memory of a service of the user's own, in MB: one process and its page tables.
const FLOOR: u64 = 1;

/// The shortest and the longest time between two measurements of memory. A measurement has to fall into the
/// hour that is set.
const LEAST_EVERY: Duration = Duration::from_secs(1);
const MOST_EVERY: Duration = Duration::from_secs(30 * 60);

/// Finds everything that is wrong with more than one value.
pub(super) fn check(all: &Merged, machine: Option<Resources>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if all.complete {
        services(all, &mut problems);
        requirements(all, &mut problems);
    }
    listening::check(all, &mut problems);
    limits(all, &mut problems);
    recycle(all, &mut problems);
    for check in &all.schema.checks {
        problems.extend(check(all, machine));
    }
    if let Some(machine) = machine {
        memory(all, machine, &mut problems);
        cpus(all, machine, &mut problems);
    }
    problems
}

fn limits(all: &Merged, problems: &mut Vec<Problem>) {
    let services: BTreeSet<&str> = all
        .entries
        .keys()
        .filter_map(|name| name.strip_prefix("limits.")?.split('.').next())
        .collect();
    for service in services {
        let name = |leaf: &str| format!("limits.{service}.{leaf}");
        let (max, high) = (name("memory_max"), name("memory_high"));
        let known = all.schema.service(service);
        let floor = known.map_or(FLOOR, |known| known.least_mb) * 1_000_000;
        if let Some(bytes) = all
            .size(&max)
            .filter(|&bytes| bytes < floor && all.sound(&max))
        {
            problems.push(
                Problem::error(format!("`{max}` is too small"))
                    .at(
                        all.place(&max),
                        format!("{service} cannot run in {}", size_text(bytes)),
                    )
                    .help(format!("at least \"{}\"", size_text(floor))),
            );
        }
        let both = all.size(&high).zip(all.size(&max));
        if let Some((above, below)) = both.filter(|(high, max)| high > max)
            && all.sound(&high)
            && all.sound(&max)
        {
            let mut problem = Problem::error(format!("`{high}` is above `{max}`"))
                .at(
                    all.place(&high),
                    format!("{} would never be reached", size_text(above)),
                )
                .near(
                    all.place(&max),
                    format!("it is killed at {}", size_text(below)),
                );
            if let Some(Origin::Profile(profile)) = all.entries.get(&max).map(|e| &e.origin) {
                problem = problem.note(format!(
                    "`{max}` is \"{}\" by profile {profile}",
                    size_text(below)
                ));
            }
            problems.push(problem);
        }
    }
}

/// Checks how often memory is measured, and whether there is a limit to compare it with.
fn recycle(all: &Merged, problems: &mut Vec<Problem>) {
    let every = "recycle.every";
    if let Some(Value::Time(time)) = all.value(every)
        && !(LEAST_EVERY..=MOST_EVERY).contains(time)
        && all.sound(every)
    {
        problems.push(
            Problem::error(format!("`{every}` is out of range"))
                .at(all.place(every), "expected 1 s to 30 min")
                .help("for example: every = \"1 min\"".to_owned()),
        );
    }
    for service in all.custom() {
        let name = format!("service.{service}.recycle");
        let limit = |leaf: &str| format!("limits.{service}.{leaf}");
        let limits = [limit("memory_max"), limit("memory_high")];
        if all.flag(&name)
            && limits
                .iter()
                .all(|name| all.size(name).is_none() && all.sound(name))
        {
            problems.push(
                Problem::warning(format!("`{name}` has no effect"))
                    .at(all.place(&name), "its memory has no limit to leak towards")
                    .help(format!(
                        "for example: [limits.{service}] memory_max = \"200 MB\""
                    )),
            );
        }
    }
}

/// Checks the names of tables: names that are taken or unknown, and services without a command.
fn services(all: &Merged, problems: &mut Vec<Problem>) {
    let known = all.services();
    let mut seen = BTreeSet::new();
    for table in &all.tables {
        let service = table.service.as_str();
        if !seen.insert((table.defines, service)) {
            continue;
        }
        let place = Some(table.place.clone());
        if table.defines && all.schema.is_reserved(service) {
            let mut problem = Problem::error(format!("the name {service:?} is taken"))
                .at(place, "the gateway has a service of that name");
            if all.schema.brings(service) {
                problem = problem.help(format!("its limits are set in [limits.{service}]"));
            }
            problems.push(problem);
        } else if table.defines {
            problems.extend(kind(all, service, place));
        } else if !known.contains(&service) && !all.schema.brings(service) {
            problems.push(
                Problem::error(format!("there is no service {service:?} to limit"))
                    .at(place, "not known")
                    .help(suggestion(service, &known)),
            );
        }
    }
}

/// Checks the keys that the kind of a service requires or forbids.
fn kind(all: &Merged, service: &str, place: Option<Place>) -> Vec<Problem> {
    let name = format!("service.{service}.kind");
    if !all.sound(&name) {
        return Vec::new();
    }
    let kind = all.text(&name).unwrap_or("daemon");
    let mut problems: Vec<_> = missing(all, service, kind, place).into_iter().collect();
    problems.extend(idle(all, service, kind));
    if kind == "external" {
        problems.extend(not_ours(all, service));
    }
    problems
}

/// Reports a missing command, or a missing probe of a service that somebody else runs.
fn missing(all: &Merged, service: &str, kind: &str, place: Option<Place>) -> Option<Problem> {
    let (wanted, what, example) = match kind {
        "external" => (
            "probe",
            "nothing says how it is asked",
            "probe = { tcp = \"192.0.2.7:5432\" }",
        ),
        _ => (
            "command",
            "nothing says what is to be launched",
            "command = [\"/usr/local/bin/mailer\"]",
        ),
    };
    let name = format!("service.{service}.{wanted}");
    (!all.is_set(&name) && all.sound(&name)).then(|| {
        Problem::error(format!("`{name}` is missing"))
            .at(place, what)
            .help(format!("for example: {example}"))
    })
}

/// Finds keys that a service of this kind does not use.
fn idle(all: &Merged, service: &str, kind: &str) -> Vec<Problem> {
    let foreign: &[&str] = match kind {
        "external" => &[
            "command",
            "environment",
            "environment_file",
            "restart",
            "success_exit",
            "schedule",
            "deadline",
            "reload",
            "stop_timeout",
            "recycle",
        ],
        "task" => &["probe", "reload", "recycle", "start_timeout"],
        _ => &["schedule", "deadline"],
    };
    let idle = foreign.iter().filter_map(|leaf| {
        let name = format!("service.{service}.{leaf}");
        let place = all.place(&name)?;
        let problem = Problem::warning(format!("`{name}` has no effect"));
        Some(problem.at(Some(place), format!("not used with kind \"{kind}\"")))
    });
    idle.collect()
}

/// Finds keys that make no sense for a service that somebody else runs.
fn not_ours(all: &Merged, service: &str) -> Vec<Problem> {
    let leaves = all.schema.keys_of("limits.*").map(Key::leaf);
    let unlimited = leaves.filter_map(|leaf| {
        let name = format!("limits.{service}.{leaf}");
        let place = all.place(&name)?;
        let problem = Problem::warning(format!("`{name}` has no effect"));
        Some(problem.at(Some(place), "somebody else runs it"))
    });
    let probe = format!("service.{service}.probe");
    let asked = match all.value(&probe) {
        Some(Value::Probe(CustomProbe::Http(_) | CustomProbe::Tcp(_))) | None => None,
        Some(_) => Some(
            Problem::error(format!("`{probe}` is of the service itself")).at(
                all.place(&probe),
                "what somebody else runs is asked by http or tcp",
            ),
        ),
    };
    unlimited.chain(asked).collect()
}

fn suggestion(name: &str, known: &[&str]) -> String {
    nearest(name, known.iter().copied()).map_or_else(
        || format!("the services are: {}", known.join(", ")),
        |near| format!("did you mean `{near}`?"),
    )
}

/// The services that the user's own services require, with the place of each name.
type Requires<'a> = BTreeMap<&'a str, Vec<(&'a str, Option<Place>)>>;

fn requirements(all: &Merged, problems: &mut Vec<Problem>) {
    let known = all.services();
    let mut requires = Requires::new();
    for service in all.custom() {
        let name = format!("service.{service}.requires");
        let Some(Value::Services(names)) = all.value(&name) else {
            continue;
        };
        let source = all.place(&name).map(|place| place.source);
        for (required, span) in names {
            let place = source.map(|source| Place {
                source,
                span: span.clone(),
            });
            if known.contains(&required.as_str()) {
                requires.entry(service).or_default().push((required, place));
            } else {
                let off = all.schema.service(required);
                let switch = off.and_then(|service| service.switch);
                let help = switch.map_or_else(
                    || suggestion(required, &known),
                    |switch| format!("`{switch}` is false"),
                );
                problems.push(
                    Problem::error(format!(
                        "{service:?} requires {required:?}, and there is no such service"
                    ))
                    .at(place, "not known")
                    .help(help),
                );
            }
        }
    }
    circles(&requires, problems);
}

/// Finds each circle once. Built-in services require none of the user's own, so a circle is among the latter.
fn circles(requires: &Requires<'_>, problems: &mut Vec<Problem>) {
    let mut done = BTreeSet::new();
    for service in requires.keys() {
        let mut path = vec![*service];
        while let Some(circle) = next_circle(requires, &mut path, &mut done) {
            let mut problem = Problem::error(format!(
                "services require each other in a circle: {}",
                circle.join(" -> ")
            ));
            for pair in circle.windows(2) {
                let found = requires.get(pair[0]).into_iter().flatten();
                for (_, place) in found.filter(|(name, _)| *name == pair[1]).take(1) {
                    problem =
                        problem.at(place.clone(), format!("{} waits for {}", pair[0], pair[1]));
                }
            }
            problems.push(
                problem.help("none of them could ever start: take one of these away".to_owned()),
            );
        }
    }
}

/// Walks on from the end of `path`, depth first, until a circle is found or nothing is left.
fn next_circle<'a>(
    requires: &Requires<'a>,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<(&'a str, &'a str)>,
) -> Option<Vec<&'a str>> {
    while let Some(last) = path.last().copied() {
        let edges = requires.get(last).into_iter().flatten();
        let next = edges
            .map(|(name, _)| *name)
            .find(|name| !done.contains(&(last, *name)));
        let Some(next) = next else {
            path.pop();
            continue;
        };
        done.insert((last, next));
        if let Some(start) = path.iter().position(|name| *name == next) {
            let mut circle = path[start..].to_vec();
            circle.push(next);
            return Some(circle);
        }
        path.push(next);
    }
    None
}

/// Compares the sum of the memory limits with the memory of the machine.
fn memory(all: &Merged, machine: Resources, problems: &mut Vec<Problem>) {
    let built_in = all.built_in();
    let names: Vec<_> = all
        .services()
        .into_iter()
        .map(|service| (service, format!("limits.{service}.memory_max")))
        .collect();
    let unsound = names.iter().any(|(_, name)| !all.sound(name)) || !all.sound("profile");
    let rows: Vec<_> = names
        .iter()
        .filter_map(|(service, name)| Some((*service, name, all.size(name)?)))
        .collect();
    let sum = rows
        .iter()
        .fold(0_u64, |sum, (_, _, bytes)| sum.saturating_add(*bytes));
    if unsound || sum <= machine.for_services() {
        return;
    }
    let profile = all.profile.name;
    let alone = !all.profile.fits(machine, &built_in);
    let title = if alone {
        format!("profile \"{profile}\" does not fit this machine")
    } else {
        "the memory limits do not fit this machine".to_owned()
    };
    let label = format!(
        "{} for the services, and this machine has {} for them",
        megabytes(sum),
        megabytes(machine.for_services())
    );
    let mut problem = Problem::error(title).at(all.place("profile"), label);
    for (service, name, bytes) in &rows {
        problem = problem.at(all.place(name), format!("{service}: {}", megabytes(*bytes)));
    }
    problem = problem.note(table(&rows, sum, machine));
    if alone && all.place("profile").is_none() {
        problem = problem.note(format!("\"{profile}\" is the smallest profile"));
    }
    let fitting = limited(all.schema)
        .filter(|profile| profile.fits(machine, &built_in))
        .last();
    problems.push(problem.help(match (alone, fitting) {
        (true, Some(fitting)) => format!(
            "profile = \"{}\" is the largest that fits, with {}",
            fitting.name,
            megabytes(fitting.sum(&built_in)),
        ),
        (true, None) => {
            "profile = \"local\" limits nothing, at the risk of the whole machine".to_owned()
        }
        (false, _) => format!(
            "lower them by {} in all",
            megabytes(sum - machine.for_services() + 999_999)
        ),
    }));
}

/// The sum as people write it when they add by hand.
fn table(rows: &[(&str, &String, u64)], sum: u64, machine: Resources) -> String {
    let line = |name: &str, bytes: u64| format!("  {name:<14}{:>10}", megabytes(bytes));
    let mut lines = vec!["the memory limits are".to_owned()];
    lines.extend(rows.iter().map(|(service, _, bytes)| line(service, *bytes)));
    lines.push(line("sum", sum));
    lines.push(format!(
        "{}, 97 % of {}",
        line("this machine", machine.for_services()),
        megabytes(machine.memory_bytes)
    ));
    lines.join("\n")
}

fn cpus(all: &Merged, machine: Resources, problems: &mut Vec<Problem>) {
    let has = format!("this machine has {}", machine.cpus);
    for service in all.services() {
        let name = format!("limits.{service}.cpus");
        if let (Some(Value::Cpus(Some(milli))), Some(place)) = (all.value(&name), all.place(&name))
            && u64::from(*milli) > u64::from(machine.cpus) * 1000
        {
            let title = format!("`{name}` limits nothing: {} CPUs", cpus_text(*milli));
            problems.push(Problem::warning(title).at(Some(place), has.clone()));
        }
    }
}
