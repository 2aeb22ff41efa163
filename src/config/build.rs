//! From the merged values to [`Settings`], and to the lines of `config show`.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use supervise::spec::{Limits, RestartMode, ServiceName};

use super::{
    resolve::{Entry, Merged, Origin, default_of},
    schema::{Default, Key},
    settings::{Budget, CustomKind, CustomService, Listen, Recycle, Settings, Variables},
    value::Value,
    values::Values,
};

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The dotted name.
    pub key: String,
    /// Its value as TOML. `None` if it has no value.
    pub value: Option<String>,
    /// What is in effect if there is no value.
    pub unset: &'static str,
    /// Where the value came from.
    pub origin: Origin,
}

/// Makes the settings. The values have to be checked before.
pub(super) fn settings(all: &Merged) -> Settings {
    let port = |name| u16::try_from(all.whole(name).unwrap_or_default()).unwrap_or_default();
    let address = |name| match all.value(name) {
        Some(Value::Address(address)) => *address,
        _ => IpAddr::from([127, 0, 0, 1]),
    };
    Settings {
        profile: all.profile.name.to_owned(),
        budget: Budget {
            usd: match all.value("budget") {
                Some(Value::Usd(usd)) => *usd,
                _ => 0.0,
            },
        },
        listen: Listen {
            address: address("listen.address"),
            port: port("listen.port"),
            admin_address: address("listen.admin_address"),
            admin_port: port("listen.admin_port"),
        },
        recycle: recycle(all),
        limits: limits(all),
        custom: custom(all),
        environments: environments(all),
        files: BTreeMap::new(),
        built_in: all.built_in(),
        values: values(all),
    }
}

fn recycle(all: &Merged) -> Recycle {
    let time = |name| match all.value(name) {
        Some(Value::Time(time)) => *time,
        _ => Duration::ZERO,
    };
    Recycle {
        enabled: all.flag("recycle.enabled"),
        hour: match all.value("recycle.hour") {
            Some(Value::Hour(minute)) => *minute,
            _ => None,
        },
        every: time("recycle.every"),
        youngest: time("recycle.youngest"),
    }
}

fn limits(all: &Merged) -> BTreeMap<ServiceName, Limits> {
    let named = all.services().into_iter().map(|service| {
        let name = |leaf: &str| format!("limits.{service}.{leaf}");
        let whole = |leaf: &str| all.whole(&name(leaf));
        let limits = Limits {
            memory_max: all.size(&name("memory_max")),
            memory_high: all.size(&name("memory_high")),
            cpu_milli: match all.value(&name("cpus")) {
                Some(Value::Cpus(milli)) => *milli,
                _ => None,
            },
            cpu_weight: whole("cpu_weight").and_then(|weight| weight.try_into().ok()),
            io_weight: whole("io_weight").and_then(|weight| weight.try_into().ok()),
            pids_max: whole("pids_max"),
        };
        (service_name(service), limits)
    });
    named.collect()
}

fn service_name(name: &str) -> ServiceName {
    ServiceName::new(name).expect("names were checked where their tables were read")
}

fn environments(all: &Merged) -> BTreeMap<ServiceName, Variables> {
    let built_in = all.schema.built_in.iter();
    let given = built_in.filter_map(|service| match all.value(service.environment?) {
        Some(Value::Environment(variables)) if !variables.is_empty() => {
            Some((service_name(service.name), Variables(variables.clone())))
        }
        _ => None,
    });
    given.collect()
}

fn custom(all: &Merged) -> Vec<CustomService> {
    all.custom()
        .map(|service| custom_service(all, service))
        .collect()
}

fn custom_service(all: &Merged, service: &str) -> CustomService {
    let value = |leaf| of_service(all, service, leaf).map(|entry| entry.value);
    let time = |leaf| match value(leaf) {
        Some(Value::Time(time)) => time,
        _ => Duration::ZERO,
    };
    CustomService {
        name: service_name(service),
        kind: kind(&value, time("deadline")),
        command: match value("command") {
            Some(Value::Command(command)) => command,
            _ => Vec::new(),
        },
        environment: match value("environment") {
            Some(Value::Environment(variables)) => variables,
            _ => BTreeMap::new(),
        },
        environment_file: match value("environment_file") {
            Some(Value::Path(path)) => Some(path),
            _ => None,
        },
        listen: match value("listen") {
            Some(Value::Listen(addresses)) => addresses.into_iter().map(|(at, _)| at).collect(),
            _ => Vec::new(),
        },
        requires: match value("requires") {
            Some(Value::Services(names)) => {
                names.iter().map(|(name, _)| service_name(name)).collect()
            }
            _ => Vec::new(),
        },
        probe: match value("probe") {
            Some(Value::Probe(probe)) => Some(probe),
            _ => None,
        },
        restart: match value("restart") {
            Some(Value::Text(word)) if word == "on-failure" => RestartMode::OnFailure,
            Some(Value::Text(word)) if word == "never" => RestartMode::Never,
            _ => RestartMode::Always,
        },
        success_exit: match value("success_exit") {
            Some(Value::Codes(codes)) => codes,
            _ => BTreeSet::new(),
        },
        reload: match value("reload") {
            Some(Value::Reload(reload)) => Some(reload),
            _ => None,
        },
        start_timeout: time("start_timeout"),
        stop_timeout: time("stop_timeout"),
        recycle: value("recycle") == Some(Value::Bool(true)),
    }
}

fn kind(value: &impl Fn(&'static str) -> Option<Value>, deadline: Duration) -> CustomKind {
    match value("kind") {
        Some(Value::Text(word)) if word == "task" => CustomKind::Task {
            deadline,
            schedule: match value("schedule") {
                Some(Value::Schedule(schedule)) => Some(schedule),
                _ => None,
            },
        },
        Some(Value::Text(word)) if word == "external" => CustomKind::External,
        _ => CustomKind::Daemon,
    }
}

/// The value of a key of a service of the user's own.
fn of_service(all: &Merged, service: &str, leaf: &str) -> Option<Entry> {
    let name = format!("service.{service}.{leaf}");
    all.entries.get(&name).cloned().or_else(|| {
        Some(Entry {
            value: default_of(all.schema.find(&name)?)?,
            origin: Origin::Default,
            place: None,
        })
    })
}

/// All keys; the keys of services appear once for each service.
pub(super) fn rows(all: &Merged) -> Vec<Row> {
    let rows = entries(all).into_iter();
    rows.map(|(name, key, entry)| row(name, key, entry))
        .collect()
}

/// The value of each key.
pub(super) fn values(all: &Merged) -> Values {
    let entries = entries(all).into_iter();
    Values::new(entries.filter_map(|(name, _, entry)| Some((name, entry?.value))))
}

fn entries(all: &Merged) -> Vec<(String, &'static Key, Option<Entry>)> {
    let mut rows = Vec::new();
    for key in all.schema.keys.iter().filter(|key| !key.of_a_service()) {
        let entry = all.entries.get(key.name).cloned();
        rows.push((key.name.to_owned(), key, entry));
    }
    let (services, custom) = (all.services(), all.custom().collect::<Vec<_>>());
    for (table, services) in [("limits", services), ("service", custom)] {
        for service in services {
            for key in all.schema.keys_of(&format!("{table}.*")) {
                let name = format!("{table}.{service}.{}", key.leaf());
                let entry = match (table, key.leaf()) {
                    ("service", leaf) => of_service(all, service, leaf),
                    _ => all.entries.get(&name).cloned(),
                };
                rows.push((name, key, entry));
            }
        }
    }
    rows
}

fn row(key: String, of: &Key, entry: Option<Entry>) -> Row {
    let unset = match of.default {
        Default::Unset(text) => text,
        Default::Profile => "no limit",
        Default::Value(_) | Default::Required => "",
    };
    let (value, origin) = match entry {
        Some(entry) => (Some(entry.value.to_string()), entry.origin),
        None => (None, Origin::Default),
    };
    Row {
        key,
        value,
        unset,
        origin,
    }
}
