//! The value of every key, to find out which keys differ between two configurations. This is pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    time::Duration,
};

use supervise::spec::Listener;

use super::{settings::Network, value::Value};

/// The value of every key that has one, by its dotted name.
#[derive(Clone, Default, PartialEq)]
pub struct Values(BTreeMap<String, Value>);

impl Values {
    pub(super) fn new(values: impl Iterator<Item = (String, Value)>) -> Self {
        Self(values.collect())
    }

    /// The keys whose values differ, in order. A service of the user's own that only one of the two has is
    /// listed once, by the name of its table.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let all = self.0.keys().chain(other.0.keys());
        let all: BTreeSet<_> = all.collect();
        for name in all {
            if same(self.0.get(name), other.0.get(name)) {
                continue;
            }
            let differing = match self::table(name) {
                Some(table) if !(self.has(table) && other.has(table)) => table,
                Some(_) | None => name,
            };
            if names.last().is_none_or(|last| last != differing) {
                names.push(differing.to_owned());
            }
        }
        names
    }

    /// Whether a yes-or-no key is set to true.
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.0.get(key), Some(Value::Bool(true)))
    }

    /// The number that is the value of a key. `None` if it has no value.
    pub fn whole(&self, key: &str) -> Option<u64> {
        match self.0.get(key) {
            Some(Value::Whole(number)) => Some(*number),
            _ => None,
        }
    }

    /// The text that is the value of a key. Empty if it has no value.
    pub fn text(&self, key: &str) -> &str {
        match self.0.get(key) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// The length of time that is the value of a key. Nothing if it has no value.
    pub fn time(&self, key: &str) -> Duration {
        match self.0.get(key) {
            Some(Value::Time(time)) => *time,
            _ => Duration::ZERO,
        }
    }

    /// The path that is the value of a key. `None` if it has no value.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        match self.0.get(key) {
            Some(Value::Path(path)) => Some(path.clone()),
            _ => None,
        }
    }

    /// The networks that are the value of a key.
    pub fn networks(&self, key: &str) -> Vec<Network> {
        match self.0.get(key) {
            Some(Value::Networks(networks)) => networks.clone(),
            _ => Vec::new(),
        }
    }

    /// The value of a key as JSON. Null if it has no value.
    pub fn json(&self, key: &str) -> serde_json::Value {
        self.0.get(key).map_or(serde_json::Value::Null, Value::json)
    }

    fn has(&self, table: &str) -> bool {
        let prefix = format!("{table}.");
        self.0.keys().any(|name| name.starts_with(&prefix))
    }
}

/// Whether two values are the same, regardless of their places in the files.
fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(Value::Services(one)), Some(Value::Services(other))) => {
            let names = |services: &[(String, _)]| -> Vec<String> {
                services.iter().map(|(name, _)| name.clone()).collect()
            };
            names(one) == names(other)
        }
        (Some(Value::Listen(one)), Some(Value::Listen(other))) => {
            let at = |addresses: &[(Listener, _)]| -> Vec<Listener> {
                addresses.iter().map(|(at, _)| at.clone()).collect()
            };
            at(one) == at(other)
        }
        (one, other) => one == other,
    }
}

/// The part `service.NAME` of `service.NAME.KEY`.
fn table(name: &str) -> Option<&str> {
    name.starts_with("service.").then_some(())?;
    name.rsplit_once('.').map(|(table, _)| table)
}

/// `Debug` does not show the values, because an environment may have secrets in it.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::load_text;

    fn differing(one: &str, other: &str) -> Vec<String> {
        let values = |text: &str| {
            let profile = format!("profile = \"local\"\n{text}");
            load_text(&profile).unwrap().values
        };
        let (one, other) = (values(one), values(other));
        let found = one.differing(&other);
        assert_eq!(found, other.differing(&one), "it is symmetric");
        found
    }

    #[test]
    fn what_says_the_same_in_another_way_does_not_differ() {
        for (one, other) in [
            ("", "budget = \"test\""),
            ("budget = 15", "# a comment\nbudget = 15.0"),
            (
                "[service.a]\ncommand = [\"/a\"]\nrequires = [\"nginx\"]",
                "[service.a]\nrequires = [  \"nginx\" ]\ncommand = [\"/a\"]",
            ),
            (
                "[service.a]\ncommand = [\"/a\"]\nlisten = [\"127.0.0.1:81\"]",
                "[service.a]\nlisten = [  \"127.0.0.1:81\" ]\ncommand = [\"/a\"]",
            ),
            (
                "[limits.nginx]\nmemory_max = \"1 GB\"",
                "[limits.nginx]\nmemory_max = \"1000 MB\"",
            ),
        ] {
            assert!(differing(one, other).is_empty(), "{one}");
        }
    }

    #[test]
    fn each_key_that_differs_is_named_and_no_value() {
        assert_eq!(
            differing(
                "budget = 5\n[listen]\nport = 3100",
                "[limits.nginx]\ncpus = 0.5"
            ),
            ["budget", "limits.nginx.cpus", "listen.port"]
        );
        assert_eq!(
            differing(
                "[service.a]\ncommand = [\"/a\"]\nenvironment = { KEY = \"sk-1\" }",
                "[service.a]\ncommand = [\"/a\"]\nenvironment = { KEY = \"sk-2\" }",
            ),
            ["service.a.environment"]
        );
    }

    #[test]
    fn a_service_that_is_new_or_gone_is_named_once() {
        assert_eq!(
            differing(
                "",
                "[service.a]\ncommand = [\"/a\"]\nstart_timeout = \"5 s\""
            ),
            ["service.a"]
        );
    }

    #[test]
    fn values_are_not_printed() {
        let text = "[service.a]\ncommand = [\"/a\"]\nenvironment = { KEY = \"sk-1\" }";
        let printed = format!("{:?}", load_text(text).unwrap().values);
        assert!(printed.contains("service.a.environment"), "{printed}");
        assert!(!printed.contains("sk-1"), "{printed}");
    }
}
