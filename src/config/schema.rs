//! What a key of the configuration is, and how one is found by its name. The decoder, the example,
//! `config show`, the reference and the names of variables and flags are all made from the one list
//! in `keys`, so that they cannot disagree.

mod keys;

use super::value::Kind;

pub use keys::KEYS;

/// Services that the gateway brings along, in the order in which they are listed.
pub const BUILT_IN: [&str; 4] = ["postgres", "litellm", "open-webui", "nginx"];

/// Names that a service of the user's own cannot have.
pub const RESERVED: [&str; 5] = ["postgres", "litellm", "open-webui", "nginx", "supervisor"];

/// The profiles, smallest machine first, and last the one without limits.
pub const PROFILES: [&str; 5] = ["tiny", "small", "medium", "large", "local"];

/// What holds for a key that nobody sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// A value, as TOML.
    Value(&'static str),
    /// What the profile says.
    Profile,
    /// No value; the text says what happens then.
    Unset(&'static str),
    /// There has to be one.
    Required,
}

/// One key of `gateway.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The dotted name; `*` stands for a service's name.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// What it is for, in whole sentences.
    pub doc: &'static str,
    /// What holds without it.
    pub default: Default,
    /// A value that shows how to write one, as TOML.
    pub example: &'static str,
    /// The name that its environment variable, and its flag if it has one, are made of.
    pub short: Option<&'static str>,
    /// Whether set-up has a flag for it.
    pub has_flag: bool,
}

impl Key {
    /// The environment variable that sets it.
    pub fn variable(&self) -> Option<String> {
        let short = self.short?.to_ascii_uppercase().replace('-', "_");
        Some(format!("AI_GATEWAY_{short}"))
    }

    /// The flag of `setup` that sets it, as it is typed.
    pub fn flag(&self) -> Option<String> {
        let short = self.short.filter(|_| self.has_flag)?;
        Some(format!("--{short}"))
    }

    /// The last part of its name.
    pub fn leaf(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// The name of its table, or nothing for one at the top.
    pub fn table(&self) -> &'static str {
        self.name.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Whether it is there once for each service.
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

/// Looks a path up; a service's name matches `*`.
pub(super) fn look_up(path: &[&str]) -> Lookup {
    let mut found = Lookup::Unknown;
    for key in KEYS {
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

fn matches(known: &str, part: &str) -> bool {
    known == "*" || known == part
}

/// Finds the key that a dotted name such as `limits.nginx.cpus` is one of.
pub fn find(name: &str) -> Option<&'static Key> {
    match look_up(&name.split('.').collect::<Vec<_>>()) {
        Lookup::Key(key) => Some(key),
        Lookup::Table | Lookup::Unknown => None,
    }
}

/// The names that may stand in the table at `path`.
pub(super) fn names_in(path: &[&str]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for key in KEYS {
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

/// Keys that files may still have from an earlier version, and why they were removed. They are warned of
/// and have no effect.
const REMOVED: &[(&str, &str)] = &[
    (
        "diet.lazy_models",
        "it changed what plugins see of Pydantic's models",
    ),
    (
        "diet.quick_attributes",
        "it saved too little for what it depended on",
    ),
    (
        "diet.copied_pieces",
        "it saved too little for what it depended on",
    ),
    (
        "diet.few_writes",
        "it saved too little for what it depended on",
    ),
    (
        "diet.short_queries",
        "it saved nothing that could be told from noise",
    ),
    ("diet.lazy_openai", "the first chat imports what it put off"),
    (
        "diet.failed_imports",
        "it saved nothing that could be told from noise",
    ),
];

/// Why a key of this name is no longer there; none: there never was one, or it is there.
pub(super) fn removed(name: &str) -> Option<&'static str> {
    let found = REMOVED.iter().find(|(key, _)| *key == name);
    found.map(|(_, why)| *why)
}

/// What a table is for, as the example says it before its keys.
pub const TABLES: &[(&str, &str)] = &[
    ("", "The gateway as a whole."),
    ("listen", "Where people reach the gateway."),
    ("litellm", "LiteLLM, the proxy in front of the models."),
    ("front", "nginx, which everybody talks to."),
    ("open_webui", "Open WebUI, the chat page."),
    ("postgres", "PostgreSQL, the database of both."),
    (
        "engine",
        "The query engine by which LiteLLM reaches its database.",
    ),
    (
        "programs",
        "Programs of the distribution, where they are not to be looked for.",
    ),
    (
        "recycle",
        "What becomes of a service that leaks: it is restarted by plan, before the kernel has to \
         kill it. LiteLLM, Open WebUI and services of your own that ask for it, where their memory \
         is limited. docs/leaks.md explains it.",
    ),
    (
        "limits.*",
        "What a service may use, where it differs from the profile. The table is named after the \
         service: postgres, litellm, open-webui, nginx or one of your own. \"none\" takes a limit \
         of the profile away.",
    ),
    (
        "service.*",
        "A service of your own, launched and watched like the others. Its name is a lower-case \
         letter, then lower-case letters, digits and dashes.",
    ),
    (
        "diet",
        "What makes the services small and quick to start, without changing what they do. Nobody \
         needs to set any of it; each can be switched off by itself to see whether a fault comes \
         from it.",
    ),
];
