//! Resource profiles. They are data in `profiles/*.toml` and compiled into the program.

use super::{
    raw,
    schema::{PROFILES, Schema},
    value::{Raw, RawValue, Value, ValueKind, Wrong},
};

const FILES: [(&str, &str); 5] = [
    ("tiny", include_str!("../../profiles/tiny.toml")),
    ("small", include_str!("../../profiles/small.toml")),
    ("medium", include_str!("../../profiles/medium.toml")),
    ("large", include_str!("../../profiles/large.toml")),
    ("local", include_str!("../../profiles/local.toml")),
];

/// The resources of a machine, or of the container in which the gateway runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// The memory that the gateway can have: the machine's or its cgroup's, whichever is smaller.
    pub memory_bytes: u64,
    /// The number of CPUs that the gateway can use.
    pub cpus: u32,
}

impl Resources {
    /// The memory for the services. The rest is for the kernel, the daemon and a shell: a machine that is
    /// sold with "2 GB" shows about 2080 MB, of which at least 60 have to stay free.
    pub fn for_services(&self) -> u64 {
        self.memory_bytes / 100 * 97
    }
}

/// One resource profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// What it is for, as a phrase.
    pub about: String,
    /// The sum of its services' memory limits, in bytes. `None` if it has no limits.
    pub memory: Option<u64>,
    /// The sum of its services' CPU time, in thousandths of a CPU.
    pub cpu_milli: Option<u32>,
    /// The dotted names of keys, and their values.
    pub(super) values: Vec<(String, Value)>,
}

impl Profile {
    /// The profile of that name.
    pub fn named(schema: &'static Schema, name: &str) -> Option<Self> {
        let (name, text) = FILES.iter().find(|(known, _)| *known == name)?;
        Some(parse(schema, name, text).expect("every profile is read by a test"))
    }

    /// The largest profile that fits the machine by its memory limits and has no more workers than there
    /// are CPUs. If none fits, the smallest one is returned, so that a message can say how much is missing.
    /// `services` are those of the built-in services that are a part of the gateway.
    pub fn for_machine(schema: &'static Schema, machine: Resources, services: &[&str]) -> Self {
        let fitting = limited(schema).filter(|profile| {
            profile.fits(machine, services)
                && profile.workers(schema) <= u64::from(machine.cpus.max(1))
        });
        fitting
            .last()
            .or_else(|| Self::named(schema, "tiny"))
            .expect("tiny is one of the profiles")
    }

    /// Whether the memory limits of these services leave enough room for the rest of the machine.
    pub fn fits(&self, machine: Resources, services: &[&str]) -> bool {
        self.sum(services) <= machine.for_services()
    }

    /// The sum of the memory limits of these services, in bytes.
    pub fn sum(&self, services: &[&str]) -> u64 {
        let limits = services.iter();
        limits.filter_map(|service| self.memory_max(service)).sum()
    }

    /// The limit of one service, in bytes.
    pub fn memory_max(&self, service: &str) -> Option<u64> {
        match self.value(&format!("limits.{service}.memory_max"))? {
            Value::Size(bytes) => *bytes,
            _ => None,
        }
    }

    /// How many processes of one service could each keep a CPU busy.
    pub fn workers(&self, schema: &Schema) -> u64 {
        let keys = schema.built_in.iter().filter_map(|service| service.workers);
        let workers = keys.filter_map(|key| match self.value(key) {
            Some(Value::Whole(workers)) => Some(*workers),
            _ => None,
        });
        workers.max().unwrap_or(1)
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        let found = self.values.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }
}

/// The profiles with limits, from the smallest to the largest.
pub fn limited(schema: &'static Schema) -> impl Iterator<Item = Profile> {
    all(schema).filter(|profile| profile.memory.is_some())
}

/// All profiles: first those with limits, then the one without.
pub fn all(schema: &'static Schema) -> impl Iterator<Item = Profile> {
    let names = PROFILES.into_iter();
    names.filter_map(move |name| Profile::named(schema, name))
}

/// Reads a profile. Its own keys come first in its file; all others are keys of `gateway.toml`.
fn parse(schema: &'static Schema, name: &'static str, text: &str) -> Result<Profile, String> {
    let (entries, mistakes) = raw::parse(text);
    if let Some(mistake) = mistakes.first() {
        return Err(format!("{mistake:?}"));
    }
    let own = |wanted: &str, kind: ValueKind| {
        let found = entries.iter().find(|(key, _)| key.text == wanted);
        found.map(|(_, raw)| kind.decode(raw)).transpose()
    };
    let wrong = |wrongs: Vec<Wrong>| format!("{wrongs:?}");
    let mut profile = Profile {
        name,
        about: entries
            .iter()
            .find_map(|(key, raw)| match &raw.is {
                RawValue::Text(text) if key.text == "about" => Some(text.clone()),
                _ => None,
            })
            .ok_or("`about` is missing")?,
        memory: match own("memory", ValueKind::Size).map_err(wrong)? {
            Some(Value::Size(bytes)) => bytes,
            _ => None,
        },
        cpu_milli: match own("cpus", ValueKind::Cpus).map_err(wrong)? {
            Some(Value::Cpus(milli)) => milli,
            _ => None,
        },
        values: Vec::new(),
    };
    for service in &schema.built_in {
        let own = service.limits.iter().filter(|(of, _)| *of == name);
        for (_, lines) in own {
            let (entries, mistakes) = raw::parse(lines);
            if let Some(mistake) = mistakes.first() {
                return Err(format!("{}: {mistake:?}", service.name));
            }
            for (key, raw) in &entries {
                let path = format!("limits.{}.{}", service.name, key.text);
                collect(schema, &path, raw, &mut profile.values)?;
            }
        }
    }
    for (key, raw) in &entries {
        if !["about", "memory", "cpus"].contains(&key.text.as_str()) {
            collect(schema, &key.text, raw, &mut profile.values)?;
        }
    }
    Ok(profile)
}

fn collect(
    schema: &'static Schema,
    path: &str,
    raw: &Raw,
    values: &mut Vec<(String, Value)>,
) -> Result<(), String> {
    if let Some(key) = schema.find(path) {
        let value = key.kind.decode(raw);
        let value = value.map_err(|wrongs| format!("{path}: {wrongs:?}"))?;
        values.push((path.to_owned(), value));
        return Ok(());
    }
    let RawValue::Table(entries) = &raw.is else {
        return Err(format!("there is no key {path}"));
    };
    entries
        .iter()
        .try_for_each(|(name, raw)| collect(schema, &format!("{path}.{}", name.text), raw, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::schema;

    const ALL: [&str; 4] = ["postgres", "litellm", "open-webui", "nginx"];

    const GB: u64 = 1_000_000_000;

    fn machine(memory_bytes: u64, cpus: u32) -> Resources {
        Resources { memory_bytes, cpus }
    }

    #[test]
    fn every_profile_is_one_and_keeps_within_its_sums() {
        for (name, text) in FILES {
            let profile =
                parse(schema(), name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(profile.sum(&ALL) <= profile.memory.unwrap_or(0), "{name}");
            let milli: u32 = ALL
                .iter()
                .filter_map(
                    |service| match profile.value(&format!("limits.{service}.cpus")) {
                        Some(Value::Cpus(milli)) => *milli,
                        _ => None,
                    },
                )
                .sum();
            assert!(milli <= profile.cpu_milli.unwrap_or(0), "{name}");
            for (key, _) in &profile.values {
                let allowed = key == "litellm.workers"
                    || ALL.iter().any(|s| key.starts_with(&format!("limits.{s}.")));
                assert!(allowed, "{name} sets {key}");
            }
        }
    }

    #[test]
    fn the_profiles_are_those_that_were_agreed_on() {
        for (name, workers, memory, milli) in [
            ("local", 4, None, None),
            ("tiny", 1, Some(960_000_000), None),
            ("small", 1, Some(1_600_000_000), Some(1900)),
            ("medium", 2, Some(3_200_000_000), Some(3700)),
            ("large", 6, Some(6_300_000_000), Some(7300)),
        ] {
            let profile = Profile::named(schema(), name).unwrap();
            assert_eq!(profile.workers(schema()), workers, "{name}");
            assert_eq!(profile.memory, memory, "{name}");
            assert_eq!(profile.cpu_milli, milli, "{name}");
            for service in ALL {
                assert_eq!(profile.memory_max(service).is_some(), memory.is_some());
            }
        }
        assert_eq!(Profile::named(schema(), "huge"), None);
    }

    #[test]
    fn the_largest_that_fits_is_chosen() {
        for (memory, cpus, name) in [
            (GB / 2, 1, "tiny"),
            (1_010_000_000, 1, "tiny"),
            (2_080_000_000, 2, "small"),
            (4_100_000_000, 4, "medium"),
            (4_100_000_000, 2, "medium"),
            (16 * GB, 2, "medium"),
            (8_200_000_000, 8, "large"),
            (64 * GB, 32, "large"),
            (64 * GB, 1, "small"),
        ] {
            let profile = Profile::for_machine(schema(), machine(memory, cpus), &ALL);
            assert_eq!(profile.name, name, "{memory} bytes, {cpus} CPUs");
        }
    }

    #[test]
    fn open_webui_that_is_off_needs_no_room() {
        let small = Profile::named(schema(), "small").unwrap();
        let tight = machine(1_300_000_000, 2);
        assert!(!small.fits(tight, &ALL));
        assert!(small.fits(tight, &["postgres", "litellm", "nginx"]));
    }
}
