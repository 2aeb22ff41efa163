//! Merges the layers (defaults < profile < file < environment < flags), so that each key has one value.
//! This is pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use super::{
    Input,
    profile::Profile,
    raw::{self, Assignment},
    report::{Place, Problem, Source, line_of, nearest},
    schema::{Default, Key, Schema},
    value::{Raw, RawValue, Value, Wrong, decode::written},
};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The default.
    Default,
    /// The default, which depends on the machine.
    Machine,
    /// The profile of this name.
    Profile(&'static str),
    /// The configuration file.
    File {
        /// Its path.
        path: PathBuf,
        /// The line of the value, from 1 on.
        line: usize,
    },
    /// The environment variable of this name.
    Environment(String),
    /// A flag, as it is typed, such as `--port`.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Machine => f.write_str("default for this machine"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// The value that is in effect for a key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) origin: Origin,
    pub(super) place: Option<Place>,
}

/// A service that has a table of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) defines: bool,
    pub(super) service: String,
    pub(super) place: Place,
}

/// All layers, merged.
#[derive(Clone, PartialEq)]
pub(crate) struct Merged {
    pub(super) schema: &'static Schema,
    pub(super) entries: BTreeMap<String, Entry>,
    /// The keys whose value could not be understood. They have the value of a lower layer, from which no
    /// check may draw a conclusion.
    pub(super) broken: BTreeSet<String>,
    pub(super) tables: Vec<Table>,
    pub(crate) profile: Profile,
    pub(super) problems: Vec<Problem>,
    pub(super) sources: Vec<Source>,
    /// Whether the file could be read to its end.
    pub(super) complete: bool,
}

/// `Debug` does not show the values, because an environment may have secrets in it.
impl fmt::Debug for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}

impl Merged {
    /// A copy of these layers in which one key, or one service of the user's own, is as in the other
    /// layers.
    pub(super) fn with(&self, others: &Self, key: &str) -> Self {
        let mut mixed = self.clone();
        let meant = |name: &String| {
            let rest = name.strip_prefix(key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let table = |table: &Table| table.defines && key == format!("service.{}", table.service);
        mixed.entries.retain(|name, _| !meant(name));
        mixed.tables.retain(|found| !table(found));
        let entries = others.entries.iter().filter(|(name, _)| meant(name));
        mixed
            .entries
            .extend(entries.map(|(name, entry)| (name.clone(), entry.clone())));
        mixed
            .tables
            .extend(others.tables.iter().filter(|found| table(found)).cloned());
        if key == "profile" {
            mixed.profile = others.profile.clone();
        }
        mixed
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.entries.get(name).map(|entry| &entry.value)
    }

    /// The path that is the value of a key. `None` if it has no value.
    pub(crate) fn path(&self, name: &str) -> Option<&Path> {
        match self.value(name) {
            Some(Value::Path(path)) => Some(path),
            _ => None,
        }
    }

    /// The variables of an environment. `None` if the key has no value.
    pub(crate) fn variables(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        match self.value(name) {
            Some(Value::Environment(variables)) => Some(variables),
            _ => None,
        }
    }

    /// Whether a key has a value.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// The place of its value. `None` if nobody has written it.
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        self.entries.get(name)?.place.clone()
    }

    /// The places of all values that were written.
    pub(super) fn places(&self) -> BTreeMap<String, Place> {
        let set = self.entries.iter();
        set.filter_map(|(name, entry)| Some((name.clone(), entry.place.clone()?)))
            .collect()
    }

    /// Whether the value of a key could be understood, so that a check may draw a conclusion from it.
    pub(crate) fn sound(&self, name: &str) -> bool {
        !self.broken.contains(name)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Bool(true)))
    }

    pub(crate) fn whole(&self, name: &str) -> Option<u64> {
        match self.value(name) {
            Some(Value::Whole(number)) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn size(&self, name: &str) -> Option<u64> {
        match self.value(name) {
            Some(Value::Size(bytes)) => *bytes,
            _ => None,
        }
    }

    /// The user's own services in the order of their names, without those whose name is taken.
    pub(super) fn custom(&self) -> impl Iterator<Item = &str> {
        let defined = self.tables.iter().filter(|table| table.defines);
        let names: BTreeSet<_> = defined.map(|table| table.service.as_str()).collect();
        names
            .into_iter()
            .filter(|name| !self.schema.is_reserved(name))
    }

    /// The built-in services that are a part of the gateway.
    pub(super) fn built_in(&self) -> Vec<&'static str> {
        self.schema.parts(|switch| self.flag(switch))
    }

    /// Every service of this configuration.
    pub(super) fn services(&self) -> Vec<&str> {
        self.built_in().into_iter().chain(self.custom()).collect()
    }
}

/// Collects the layers from the file upwards, and then puts the profile and the defaults below them.
struct Layers<'a> {
    path: Option<PathBuf>,
    entries: BTreeMap<String, Entry>,
    broken: BTreeSet<String>,
    tables: Vec<Table>,
    problems: Vec<Problem>,
    sources: Vec<Source>,
    input: &'a Input<'a>,
}

/// Merges all layers, and collects the problems of single values.
pub(super) fn merge(input: &Input<'_>) -> Merged {
    let mut layers = Layers {
        path: None,
        entries: BTreeMap::new(),
        broken: BTreeSet::new(),
        tables: Vec::new(),
        problems: Vec::new(),
        sources: Vec::new(),
        input,
    };
    let complete = layers.file();
    layers.environment();
    layers.flags();
    layers.finish(complete)
}

impl Layers<'_> {
    fn file(&mut self) -> bool {
        let Some((path, text)) = &self.input.file else {
            return true;
        };
        self.sources.push(Source {
            path: Some(path.display().to_string()),
            text: text.clone(),
        });
        self.path = Some(path.clone());
        let document = raw::read(self.input.schema, text, 0);
        self.problems.extend(document.problems);
        self.tables
            .extend(document.tables.into_iter().map(|table| Table {
                defines: table.defines,
                service: table.name.text,
                place: Place {
                    source: 0,
                    span: table.name.span,
                },
            }));
        let unread = document
            .unread
            .into_iter()
            .map(|assignment| assignment.name);
        self.broken.extend(unread);
        for assignment in document.assignments {
            let origin = Origin::File {
                path: path.clone(),
                line: line_of(text, assignment.raw.span.start),
            };
            self.add(&assignment, 0, origin);
        }
        !document.broken
    }

    fn environment(&mut self) {
        for key in &self.input.schema.keys {
            let Some(variable) = key.variable() else {
                continue;
            };
            if let Some(text) = (self.input.env)(&variable)
                && !text.is_empty()
            {
                let head = format!("{variable}=");
                self.typed(key.name, key, &head, &text, Origin::Environment(variable));
            }
        }
    }

    fn flags(&mut self) {
        for &(name, text) in self.input.flags {
            if let Some(key) = self.input.schema.find(name) {
                let typed = key.flag().unwrap_or_else(|| name.to_owned());
                let head = format!("{typed}=");
                self.typed(name, key, &head, text, Origin::Flag(typed));
            } else {
                self.sources.push(Source {
                    path: None,
                    text: format!("{name}={text}"),
                });
                let place = Place {
                    source: self.sources.len() - 1,
                    span: 0..name.len(),
                };
                let near = nearest(name, self.input.schema.keys.iter().map(|key| key.name));
                self.problems.push(
                    Problem::error(format!("there is no key `{name}`"))
                        .at(Some(place), "not known")
                        .help(near.map(|near| format!("did you mean `{near}`?"))),
                );
            }
        }
    }

    /// Adds a value that was typed as text. `head` is what stands before it in a message, such as
    /// `--port=`.
    fn typed(&mut self, name: &str, key: &'static Key, head: &str, text: &str, origin: Origin) {
        let span = head.len()..head.len() + text.len();
        let mut is = key.kind.is_composed().then(|| raw::value(text)).flatten();
        if let Some(value) = &mut is {
            spread(value, &span);
        }
        self.sources.push(Source {
            path: None,
            text: format!("{head}{text}"),
        });
        let source = self.sources.len() - 1;
        let parts: Vec<_> = name.split('.').collect();
        if let [table, service, _] = parts[..] {
            self.tables.push(Table {
                defines: table == "service",
                service: service.to_owned(),
                place: Place {
                    source,
                    span: span.clone(),
                },
            });
        }
        let assignment = Assignment {
            name: name.to_owned(),
            key,
            name_span: 0..head.len(),
            raw: Raw {
                span,
                is: is.unwrap_or_else(|| written(key.kind, text)),
            },
        };
        self.add(&assignment, source, origin);
    }

    fn add(&mut self, assignment: &Assignment, source: usize, origin: Origin) {
        let place = |span| Some(Place { source, span });
        match assignment.key.kind.decode(&assignment.raw) {
            Ok(value) => {
                self.broken.remove(&assignment.name);
                let entry = Entry {
                    value,
                    origin,
                    place: place(assignment.raw.span.clone()),
                };
                self.entries.insert(assignment.name.clone(), entry);
            }
            Err(wrongs) => {
                let in_file = matches!(origin, Origin::File { .. });
                let example = format!(
                    "for example: {} = {}",
                    assignment.key.leaf(),
                    assignment.key.example
                );
                for Wrong {
                    is,
                    span,
                    label,
                    help,
                } in wrongs
                {
                    self.problems.push(
                        Problem::error(format!("`{}` {is}", assignment.name))
                            .at(place(span), label)
                            .help(help.or_else(|| in_file.then(|| example.clone()))),
                    );
                }
                self.broken.insert(assignment.name.clone());
            }
        }
    }

    fn finish(mut self, complete: bool) -> Merged {
        let schema = self.input.schema;
        let services =
            schema.parts(
                |switch| match self.entries.get(switch).map(|entry| &entry.value) {
                    Some(Value::Bool(on)) => *on,
                    _ => true,
                },
            );
        let chosen = match self.entries.get("profile").map(|entry| &entry.value) {
            Some(Value::Text(name)) => Profile::named(schema, name),
            _ => None,
        };
        let profile = chosen.unwrap_or_else(|| match self.input.machine {
            Some(machine) => Profile::for_machine(schema, machine, &services),
            None => Profile::named(schema, "small").expect("small is one of the profiles"),
        });
        let below = |value: &Value, origin: Origin| Entry {
            value: value.clone(),
            origin,
            place: None,
        };
        let name = below(&Value::Text(profile.name.to_owned()), Origin::Machine);
        self.entries.entry("profile".to_owned()).or_insert(name);
        for (name, value) in &profile.values {
            let entry = self.entries.entry(name.clone());
            entry.or_insert_with(|| below(value, Origin::Profile(profile.name)));
        }
        for (name, value) in defaults(schema) {
            let entry = self.entries.entry(name.to_owned());
            entry.or_insert_with(|| below(&value, Origin::Default));
        }
        Merged {
            schema,
            entries: self.entries,
            broken: self.broken,
            tables: self.tables,
            profile,
            problems: self.problems,
            sources: self.sources,
            complete,
        }
    }
}

/// Gives every part of a typed value the place of the whole text, because the parser saw the value without
/// its head.
fn spread(value: &mut RawValue, span: &std::ops::Range<usize>) {
    let each = |raw: &mut Raw| {
        raw.span = span.clone();
        spread(&mut raw.is, span);
    };
    match value {
        RawValue::List(items) => items.iter_mut().for_each(each),
        RawValue::Table(entries) => {
            for (name, raw) in entries {
                name.span = span.clone();
                each(raw);
            }
        }
        RawValue::Text(_) | RawValue::Number(_) | RawValue::Bool(_) | RawValue::Date => {}
    }
}

/// The default of a key as a value.
pub(super) fn default_of(key: &Key) -> Option<Value> {
    let Default::Value(text) = key.default else {
        return None;
    };
    let raw = Raw {
        span: 0..0,
        is: raw::value(text)?,
    };
    Some(
        key.kind
            .decode(&raw)
            .expect("every default is read by a test"),
    )
}

fn defaults(schema: &Schema) -> impl Iterator<Item = (&'static str, Value)> {
    schema
        .keys
        .iter()
        .filter(|key| !key.of_a_service())
        .filter_map(|key| Some((key.name, default_of(key)?)))
}
