//! What a key of the configuration is, and how a key is found by its name. The decoder, the example,
//! `config show`, the reference, and the names of variables and flags are all made from one [`Schema`], so
//! that they cannot disagree.
//!
//! The keys of the gateway as a whole are in `keys`. Each built-in service declares its own keys
//! ([`Declaration`], [`BuiltIn`]). Whoever has the list of services makes the schema from them and passes
//! it to [`super::load`]. Nothing here names a service.

pub(crate) mod keys;

use std::path::PathBuf;

use super::{
    paths::PathRules, profile::Resources, report::Problem, resolve::Merged, value::ValueKind,
    values::Values,
};

/// The name of a table and its purpose, which the example writes before its keys.
pub type Table = (&'static str, &'static str);

/// A key of an earlier version that files may still have, and why it was removed. It has no effect and
/// gives a warning.
pub type Removed = (&'static str, &'static str);

/// What a part of the gateway adds to the configuration. In the texts of tables and keys, and in examples,
/// `{services}` stands for the names of the built-in services, `{first}` for the first of them, and
/// `{leaking}` for the titles of those that may leak.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declaration {
    /// Its keys, in the order in which they are shown. Keys in a table of the gateway are shown there.
    pub keys: &'static [Key],
    /// The tables in which those keys stand.
    pub tables: &'static [Table],
    /// The keys that it had in earlier versions.
    pub removed: &'static [Removed],
    /// Checks for values that are valid alone and wrong together.
    pub(crate) check: Option<Check>,
    /// The programs that its keys name, each with the key.
    pub(crate) programs: Option<Programs>,
}

/// The programs that keys name, each with the key.
pub(crate) type Programs = fn(&Values) -> Vec<(&'static str, PathBuf)>;

/// Finds values that are wrong together, or wrong on this machine if its resources are known.
pub(crate) type Check = fn(&Merged, Option<Resources>) -> Vec<Problem>;

/// What the configuration has to know of a built-in service, besides its keys.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// Its name, as in `limits.NAME`.
    pub name: &'static str,
    /// Its name in sentences, as its makers write it.
    pub title: &'static str,
    /// The key that says whether the service is a part of the gateway. `None` if it always is.
    pub switch: Option<&'static str>,
    /// The least memory with which it can work, in MB.
    pub least_mb: u64,
    /// The key that says how many of its processes could each keep a CPU busy. `None` if there is only one.
    pub workers: Option<&'static str>,
    /// Its default limits, if `profiles/` does not have them: the name of a profile, and lines in the form
    /// of `[limits.NAME]`.
    pub limits: &'static [(&'static str, &'static str)],
    /// Whether it may leak, so that it is restarted by plan where its memory is limited.
    pub leaks: bool,
    /// What it asks of the paths of a gateway.
    pub paths: PathRules,
    /// The key for variables that a person gives it. `None` if there is no such key.
    pub environment: Option<&'static str>,
}

/// Everything that can stand in `gateway.toml`.
#[derive(Debug)]
pub struct Schema {
    /// The built-in services, in the order in which they are listed.
    pub built_in: Vec<BuiltIn>,
    /// All keys, in the order in which they are shown.
    pub keys: Vec<Key>,
    /// All tables, in the order in which they are shown.
    pub tables: Vec<Table>,
    /// The name of the last table in the example, which few people need.
    pub appendix: &'static str,
    removed: Vec<Removed>,
    pub(super) checks: Vec<Check>,
    programs: Vec<Programs>,
}

/// The profiles, smallest machine first, and last the one without limits.
pub const PROFILES: [&str; 5] = ["tiny", "small", "medium", "large", "local"];

/// What is in effect for a key that nobody sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// A value, as TOML.
    Value(&'static str),
    /// The profile gives the value.
    Profile,
    /// There is no value. The text says what happens then.
    Unset(&'static str),
    /// Somebody has to set a value.
    Required,
}

/// One key of `gateway.toml`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// The dotted name, in which `*` stands for a service's name.
    pub name: &'static str,
    /// What its value may be.
    pub kind: ValueKind,
    /// What it is for, in whole sentences.
    pub doc: &'static str,
    /// What is in effect if nobody sets it.
    pub default: Default,
    /// A value that shows how to write one, as TOML.
    pub example: &'static str,
    /// The name that its environment variable, and its flag if it has one, are made of.
    pub short: Option<&'static str>,
    /// The flag of set-up that sets it. `None` if set-up has none.
    pub set_up: Option<SetUpFlag>,
}

/// The flag of set-up that sets a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetUpFlag {
    /// What the help of set-up calls its value.
    pub value: &'static str,
    /// What the help of set-up says about it.
    pub help: &'static str,
    /// What set-up asks a person for the value. `None` if it asks nothing.
    pub question: Option<(&'static str, AskWhen)>,
}

/// When set-up asks its question. No question is asked without need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskWhen {
    /// At each set-up that has something to do.
    Always,
    /// If another program has the port.
    IfTaken,
    /// If the first account does not exist yet.
    IfFirst,
}

impl Key {
    /// The environment variable that sets it.
    pub fn variable(&self) -> Option<String> {
        let short = self.short?.to_ascii_uppercase().replace('-', "_");
        Some(format!("AI_GATEWAY_{short}"))
    }

    /// The flag of `setup` that sets it, as it is typed.
    pub fn flag(&self) -> Option<String> {
        self.set_up?;
        Some(format!("--{}", self.short?))
    }

    /// The last part of its name.
    pub fn leaf(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// The name of its table, or nothing for one at the top.
    pub fn table(&self) -> &'static str {
        self.name.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Whether the key exists once for each service.
    pub fn of_a_service(&self) -> bool {
        self.name.contains('*')
    }
}

/// What a dotted name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lookup {
    Key(&'static Key),
    Table,
    Unknown,
}

impl Lookup {
    pub(super) fn is_key(self) -> bool {
        matches!(self, Self::Key(_))
    }
}

/// There is only one schema for each list of services, so two schemas are equal only if they are the same.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Schema {
    /// Makes the schema of the gateway's own keys and of those of these services. The keys of `appendix` come
    /// last.
    pub fn new(services: &[(BuiltIn, Declaration)], appendix: &Declaration) -> Self {
        let own = services.iter().map(|(_, declaration)| declaration);
        let parts: Vec<&Declaration> = [&keys::GATEWAY]
            .into_iter()
            .chain(own)
            .chain([&keys::EACH_SERVICE, appendix])
            .collect();
        let built_in: Vec<_> = services.iter().map(|(built_in, _)| *built_in).collect();
        let mut keys: Vec<_> = parts.iter().flat_map(|part| part.keys).copied().collect();
        // A service may declare a key in a table of the gateway, which comes before all services.
        let own = keys::GATEWAY.tables;
        let place = |key: &Key| own.iter().position(|(table, _)| *table == key.table());
        keys.sort_by_key(|key| place(key).unwrap_or(own.len()));
        for key in &mut keys {
            key.doc = filled(key.doc, &built_in);
            key.example = filled(key.example, &built_in);
        }
        let tables = parts.iter().flat_map(|part| part.tables);
        let tables = tables.map(|(name, text)| (*name, filled(text, &built_in)));
        Self {
            tables: tables.collect(),
            keys,
            built_in,
            appendix: appendix.tables.first().map_or("", |(name, _)| name),
            removed: parts
                .iter()
                .flat_map(|part| part.removed)
                .copied()
                .collect(),
            programs: parts.iter().filter_map(|part| part.programs).collect(),
            checks: parts.iter().filter_map(|part| part.check).collect(),
        }
    }

    /// The names of the services that the gateway brings along.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.built_in.iter().map(|service| service.name)
    }

    /// The built-in service of this name. `None` if there is none.
    pub fn service(&self, name: &str) -> Option<&BuiltIn> {
        self.built_in.iter().find(|service| service.name == name)
    }

    /// The built-in service that needs the most memory. The example shows its limits, because people look at
    /// those first.
    pub(super) fn largest(&self) -> Option<&BuiltIn> {
        self.built_in.iter().max_by_key(|service| service.least_mb)
    }

    /// The keys that set-up has flags for, each with its flag, in the order in which they are shown.
    pub fn flags(&'static self) -> impl Iterator<Item = (&'static Key, SetUpFlag)> {
        let keys = self.keys.iter();
        keys.filter_map(|key| Some((key, key.set_up?)))
    }

    /// Whether there is a built-in service of this name.
    pub fn brings(&self, name: &str) -> bool {
        self.service(name).is_some()
    }

    /// Whether a service of the user's own cannot have this name.
    pub fn is_reserved(&self, name: &str) -> bool {
        name == SUPERVISOR || self.brings(name)
    }

    /// The names of those services that are a part of a gateway, by the value of the keys that say so.
    pub(super) fn parts(&self, is_true: impl Fn(&str) -> bool) -> Vec<&'static str> {
        let parts = self.built_in.iter();
        let parts = parts.filter(|service| service.switch.is_none_or(&is_true));
        parts.map(|service| service.name).collect()
    }

    /// The programs that keys name, each with the key.
    pub fn programs(&self, values: &Values) -> Vec<(&'static str, PathBuf)> {
        let programs = self.programs.iter();
        programs.flat_map(|programs| programs(values)).collect()
    }

    /// Looks a path up; a service's name matches `*`.
    pub(super) fn look_up(&'static self, path: &[&str]) -> Lookup {
        let mut found = Lookup::Unknown;
        for key in &self.keys {
            let mut parts = key.name.split('.');
            if path
                .iter()
                .all(|part| parts.next().is_some_and(|known| matches(known, part)))
            {
                match parts.next() {
                    None => return Lookup::Key(key),
                    Some(_) => found = Lookup::Table,
                }
            }
        }
        found
    }

    /// Finds the key that a dotted name such as `limits.mailer.cpus` is one of.
    pub fn find(&'static self, name: &str) -> Option<&'static Key> {
        match self.look_up(&name.split('.').collect::<Vec<_>>()) {
            Lookup::Key(key) => Some(key),
            Lookup::Table | Lookup::Unknown => None,
        }
    }

    /// The names that may stand in the table at `path`.
    pub(super) fn names_in(&self, path: &[&str]) -> Vec<&'static str> {
        let mut names = Vec::new();
        for key in &self.keys {
            let mut parts = key.name.split('.');
            let inside = path
                .iter()
                .all(|part| parts.next().is_some_and(|known| matches(known, part)));
            if let (true, Some(name)) = (inside, parts.next())
                && name != "*"
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    /// The keys of a table, by its name as it is in [`Key::table`].
    pub fn keys_of(&self, table: &str) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| key.table() == table)
    }

    /// Why there is no longer a key of this name. `None` if there never was one, or if the key exists.
    pub(super) fn removed(&self, name: &str) -> Option<&'static str> {
        let found = self.removed.iter().find(|(key, _)| *key == name);
        found.map(|(_, why)| *why)
    }
}

/// A text with the services of a list in the place of what stands for them.
fn filled(text: &'static str, services: &[BuiltIn]) -> &'static str {
    let names: Vec<_> = services.iter().map(|service| service.name).collect();
    let leaking = services.iter().filter(|service| service.leaks);
    let leaking: Vec<_> = leaking.map(|service| service.title).collect();
    let made = text
        .replace("{services}", &names.join(", "))
        .replace("{first}", names.first().unwrap_or(&""))
        .replace("{leaking}", &leaking.join(", "));
    if made == text {
        return text;
    }
    // There is one schema for each list of services, and it lives as long as the program.
    Box::leak(made.into_boxed_str())
}

/// The daemon's own cgroup, below which those of the services are.
const SUPERVISOR: &str = "supervisor";

fn matches(known: &str, part: &str) -> bool {
    known == "*" || known == part
}
