//! What the processes of all services have in common: the parts that specifications are made of.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use supervise::spec::{EnvValue, RestartMode, RestartPolicy, StopStep};

use super::part::Inputs;
use crate::{
    base_environment::{self, SYSTEM_FOLDERS},
    provision::tools,
};

/// The folder that a folder of programs is in, as `/opt/postgresql` for `/opt/postgresql/bin`: with what
/// belongs to them.
pub(super) fn prefix(programs: &Path) -> PathBuf {
    programs.parent().unwrap_or(programs).to_owned()
}

/// The Python that an environment is made of, where it is none of the system's.
pub(super) fn pythons(inputs: &Inputs) -> Option<PathBuf> {
    let python = inputs.settings.values.path(tools::PYTHON)?;
    python.parent().map(prefix)
}

/// Where a Python program puts what does not fit into memory.
pub(super) fn temporary() -> [PathBuf; 2] {
    ["/tmp", "/var/tmp"].map(PathBuf::from)
}

/// What every process gets. `path` goes before the system's folders.
pub(super) fn environment(home: &Path, path: &[&Path]) -> BTreeMap<String, EnvValue> {
    let own = path.iter().map(|folder| (*folder).to_owned());
    let path = own.chain(SYSTEM_FOLDERS.map(PathBuf::from));
    let variables = base_environment::variables(path, home).into_iter();
    variables.map(|(name, value)| plain(&name, value)).collect()
}

pub(super) fn plain(name: &str, value: impl fmt::Display) -> (String, EnvValue) {
    (name.to_owned(), EnvValue::Plain(value.to_string()))
}

pub(super) fn secret(name: &str, value: impl Into<String>) -> (String, EnvValue) {
    (name.to_owned(), EnvValue::Secret(value.into()))
}

/// For services that must always be there.
pub(super) fn always(stable: Duration) -> RestartPolicy {
    RestartPolicy {
        mode: RestartMode::Always,
        base: Duration::from_secs(1),
        cap: Duration::from_secs(60),
        burst: 10,
        stable,
    }
}

/// A signal, and how long to wait for the end of the service after it.
pub(super) const fn signal(signal: i32, seconds: u64) -> StopStep {
    StopStep::Signal {
        signal,
        timeout: Duration::from_secs(seconds),
    }
}

/// `text` with everything that means something in a URL escaped.
pub(super) fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
        url
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_an_address_is_escaped() {
        assert_eq!(percent("/srv/a b"), "/srv/a%20b");
        assert_eq!(percent("p@ss:w/?#%"), "p%40ss%3Aw/%3F%23%25");
    }
}
