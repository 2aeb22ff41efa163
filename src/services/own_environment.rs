//! Variables that a person gives to a service of the gateway: `[litellm] environment` and `[open_webui]
//! environment`.
//!
//! What decides which code runs, and what the gateway has to decide itself, is refused with its reason, where the
//! configuration is read. Everything else is handed over, each value as a secret, because any may be one.

use std::collections::BTreeMap;

use supervise::spec::{EnvValue, ServiceName};

use super::{part::Inputs, process::secret};
use crate::config::{report::Problem, resolve::Merged};

/// A variable that the gateway decides, and why.
pub(in crate::services) type Decided = (&'static str, &'static str);

/// What holds for every service, by what the names begin with.
pub(in crate::services) const FOR_ALL: [Decided; 5] = [
    ("PYTHON", "it decides which code Python runs"),
    ("LD_", "it decides which code the program runs"),
    ("AI_GATEWAY_", "the gateway says by it how the service runs"),
    (
        "LISTEN_FD",
        "the gateway hands the service its socket by it",
    ),
    (
        "WATCHDOG_",
        "the gateway finds out by itself whether the service hangs",
    ),
];

/// The same by whole names.
pub(in crate::services) const WHOLE: [Decided; 6] = [
    ("NODE_OPTIONS", "it decides which code Node.js runs"),
    ("BASH_ENV", "it decides which code a shell runs"),
    (
        "LISTEN_PID",
        "the gateway hands the service its socket by it",
    ),
    (
        "NOTIFY_SOCKET",
        "the gateway hears by it that a service is ready",
    ),
    ("PATH", "the service finds its own programs by it"),
    ("HOME", "the service's folder is its home"),
];

/// The variables of a service's own that this configuration gives it.
pub(super) fn of(inputs: &Inputs<'_>, service: &ServiceName) -> BTreeMap<String, EnvValue> {
    let given = inputs.settings.environments.get(service);
    let all = given.into_iter().flat_map(|variables| &variables.0);
    all.map(|(name, value)| secret(name, value)).collect()
}

/// Why the gateway decides this variable. `None` if a person may.
pub(super) fn decided(name: &str, own: &[Decided]) -> Option<&'static str> {
    let mut whole = own.iter().chain(&WHOLE);
    let whole = whole.find(|(decided, _)| *decided == name);
    let begins = |(start, _): &&Decided| name.starts_with(start);
    let found = whole.or_else(|| FOR_ALL.iter().find(begins));
    found.map(|(_, why)| *why)
}

/// What is wrong with the variables of this key. `own` are those that the service's room decides.
pub(super) fn check(all: &Merged, key: &str, own: &[Decided]) -> Vec<Problem> {
    let wrong = names(all, key).filter_map(|name| {
        // Without its place: the values beside it may be keys.
        if !is_plain(name) {
            let note =
                "a variable's name has letters, digits and underscores, and begins with no digit";
            let title = format!("`{key}` has {name:?}, which cannot name a variable");
            return Some(Problem::error(title).note(note));
        }
        let why = decided(name, own)?;
        Some(Problem::error(format!("`{key}` may not set {name}")).note(why))
    });
    wrong.collect()
}

/// The names of the variables of this key.
pub(super) fn names<'a>(all: &'a Merged, key: &str) -> impl Iterator<Item = &'a str> {
    let variables = all.variables(key).into_iter();
    let names = variables.flat_map(BTreeMap::keys);
    names.map(String::as_str)
}

fn is_plain(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_which_code_runs_is_the_gateways_and_what_only_sounds_so_is_not() {
        for name in [
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "LD_PRELOAD",
            "LISTEN_FDS",
            "LISTEN_FDNAMES",
            "AI_GATEWAY_X",
            "PATH",
            "HOME",
            "OURS",
        ] {
            assert!(decided(name, &[("OURS", "why")]).is_some(), "{name}");
        }
        for name in ["PATHS", "HOMEPAGE", "LDAP_SERVER", "GROQ_API_KEY", "LISTEN"] {
            assert_eq!(decided(name, &[("OURS", "why")]), None, "{name}");
        }
    }
}
