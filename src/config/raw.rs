//! Reads a TOML text key by key, with the place of each, and compares it with the list of keys.
//!
//! Nothing stops at the first mistake: the parser recovers, and every name and value is looked at.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{
    report::{Place, Problem, nearest},
    schema::{Key, Lookup, Schema},
    value::{Name, Raw, RawValue, quoted},
};

mod syntax;

pub(super) use syntax::Mistake;

/// One key to which a text gives a value.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    /// The whole dotted name.
    pub(super) name: String,
    /// The key itself.
    pub(super) key: &'static Key,
    /// The place of the last part of its name.
    pub(super) name_span: Range<usize>,
    /// Its value.
    pub(super) raw: Raw,
}

/// A table that is named after a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceTable {
    /// Whether it is one of `[service.NAME]`. Otherwise it is one of `[limits.NAME]`.
    pub(super) defines: bool,
    /// The name of the service.
    pub(super) name: Name,
}

/// Everything that a text says.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) assignments: Vec<Assignment>,
    pub(super) tables: Vec<ServiceTable>,
    pub(super) problems: Vec<Problem>,
    /// Keys on lines that are not TOML. Nothing else is known of them.
    pub(super) unread: Vec<Assignment>,
    /// Whether the text is not TOML, so that what was found may not be all of it.
    pub(super) broken: bool,
}

/// Reads the text of a file, which is the source of number `source`.
pub(super) fn read(schema: &'static Schema, text: &str, source: usize) -> Document {
    let (entries, mistakes) = parse(text);
    let mut reader = Reader {
        schema,
        source,
        document: Document::default(),
    };
    reader.table(&mut Vec::new(), &entries);
    let mut document = reader.document;
    if !mistakes.is_empty() {
        syntax::add(schema, &mut document, text, source, &entries, mistakes);
    }
    document
}

/// Reads one value, as a variable or a flag may hold it.
pub(super) fn value(text: &str) -> Option<RawValue> {
    let value = DeValue::parse(text).ok()?;
    Some(of(value.get_ref()))
}

/// Returns the entries of the text, and the places where it is not TOML.
pub(super) fn parse(text: &str) -> (Vec<(Name, Raw)>, Vec<Mistake>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mistakes = errors.iter().map(|error| Mistake {
        span: clamp(text, error.span().unwrap_or(0..0)),
        message: error
            .message()
            .replace('\n', ", ")
            .replace(", expected nothing", ""),
    });
    (entries(table.get_ref()), mistakes.collect())
}

/// Moves a range into the text and to the boundaries of characters, whatever the parser said.
fn clamp(text: &str, span: Range<usize>) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (floor(span.start), floor(span.end));
    start..end.max(start)
}

fn entries(table: &DeTable<'_>) -> Vec<(Name, Raw)> {
    table
        .iter()
        .map(|(name, value)| {
            let name = Name {
                span: name.span(),
                text: name.get_ref().clone().into_owned(),
            };
            let raw = Raw {
                span: value.span(),
                is: of(value.get_ref()),
            };
            (name, raw)
        })
        .collect()
}

fn of(value: &DeValue<'_>) -> RawValue {
    match value {
        DeValue::String(text) => RawValue::Text(text.clone().into_owned()),
        DeValue::Integer(digits) => {
            let decimal = i128::from_str_radix(digits.as_str(), digits.radix());
            RawValue::Number(decimal.map_or_else(|_| digits.to_string(), |n| n.to_string()))
        }
        DeValue::Float(digits) => RawValue::Number(digits.as_str().to_owned()),
        DeValue::Boolean(yes) => RawValue::Bool(*yes),
        DeValue::Datetime(_) => RawValue::Date,
        DeValue::Array(items) => RawValue::List(
            items
                .iter()
                .map(|item| Raw {
                    span: item.span(),
                    is: of(item.get_ref()),
                })
                .collect(),
        ),
        DeValue::Table(table) => RawValue::Table(entries(table)),
    }
}

struct Reader {
    schema: &'static Schema,
    source: usize,
    document: Document,
}

impl Reader {
    fn at(&self, span: &Range<usize>) -> Option<Place> {
        Some(Place {
            source: self.source,
            span: span.clone(),
        })
    }

    fn table(&mut self, path: &mut Vec<String>, entries: &[(Name, Raw)]) {
        for (name, raw) in entries {
            path.push(name.text.clone());
            self.entry(path, name, raw);
            path.pop();
        }
    }

    fn entry(&mut self, path: &mut Vec<String>, name: &Name, raw: &Raw) {
        let parts: Vec<_> = path.iter().map(String::as_str).collect();
        let service_table = parts.len() == 2 && matches!(parts[0], "service" | "limits");
        let misplaced = service_table
            && !matches!(raw.is, RawValue::Table(_))
            && self.schema.look_up(&[parts[0], "*", parts[1]]).is_key();
        if misplaced {
            let problem = self.unknown(&parts, name, raw);
            self.document.problems.push(problem);
            return;
        }
        if service_table && !self.service_table(&parts, name) {
            return;
        }
        match (self.schema.look_up(&parts), &raw.is) {
            (Lookup::Key(key), _) => self.document.assignments.push(Assignment {
                name: parts.join("."),
                key,
                name_span: name.span.clone(),
                raw: raw.clone(),
            }),
            (Lookup::Table, RawValue::Table(entries)) => self.table(path, entries),
            (Lookup::Table, other) => {
                let problem = self.no_table(&parts.join("."), raw.span.clone(), other);
                self.document.problems.push(problem);
            }
            (Lookup::Unknown, _) => {
                let problem = self.unknown(&parts, name, raw);
                self.document.problems.push(problem);
            }
        }
    }

    /// Notes a table that is named after a service, unless nothing could have that name.
    fn service_table(&mut self, parts: &[&str], name: &Name) -> bool {
        let defines = parts[0] == "service";
        if defines && let Err(error) = supervise::spec::ServiceName::new(parts[1]) {
            let label = error.to_string();
            let label = label
                .split_once(": ")
                .map_or(label.as_str(), |(_, rest)| rest);
            let problem = Problem::error(format!("{:?} cannot name a service", parts[1]))
                .at(self.at(&name.span), label);
            self.document.problems.push(problem);
            return false;
        }
        self.document.tables.push(ServiceTable {
            defines,
            name: name.clone(),
        });
        true
    }

    /// Reports a plain value where a table should be.
    fn no_table(&self, dotted: &str, span: Range<usize>, found: &RawValue) -> Problem {
        let header = match dotted {
            "service" | "limits" => format!("[{dotted}.NAME]"),
            _ => format!("[{dotted}]"),
        };
        let help = self
            .dotted_guess(dotted, found)
            .and_then(|guess| self.schema.find(&guess))
            .map(|key| format!("for example: {} = {}", key.name, key.example));
        Problem::error(format!("`{dotted}` is a table"))
            .at(
                self.at(&span),
                format!("expected {header}, found {}", found.found()),
            )
            .help(help)
    }

    fn unknown(&self, parts: &[&str], name: &Name, raw: &Raw) -> Problem {
        let dotted = parts.join(".");
        let table = &parts[..parts.len() - 1];
        let known = self.schema.names_in(table);
        let place = match table {
            [] => "at the top of the file".to_owned(),
            _ => format!("in [{}]", table.join(".")),
        };
        if let Some(why) = self.schema.removed(&dotted) {
            return Problem::warning(format!("`{dotted}` has no effect any more"))
                .at(self.at(&name.span), "this key was removed")
                .help(format!("take it out of the file: {why}"));
        }
        let title = match raw.is {
            RawValue::Table(_) => format!("there is no table `[{dotted}]`"),
            _ => format!("there is no key `{dotted}`"),
        };
        let problem = Problem::error(title).at(self.at(&name.span), format!("not known {place}"));
        if let Some(near) = nearest(&name.text, known.iter().copied()) {
            return problem.help(format!("did you mean `{near}`?"));
        }
        let elsewhere = self
            .schema
            .keys
            .iter()
            .find(|key| nearest(&name.text, [key.leaf()]).is_some());
        problem.help(match elsewhere {
            Some(key) if key.table().is_empty() => {
                format!("`{}` belongs at the top of the file", key.leaf())
            }
            Some(key) => {
                let table = key.table().replace('*', &self.service_named(table));
                format!("`{}` belongs in [{table}]", key.leaf())
            }
            None => format!("what is known here: {}", known.join(", ")),
        })
    }

    /// The service whose limits a table's name is about.
    fn service_named(&self, table: &[&str]) -> String {
        match table {
            [name] => Some(name.replace('_', "-")).filter(|name| self.schema.brings(name)),
            _ => None,
        }
        .unwrap_or_else(|| "NAME".to_owned())
    }

    /// The key that was most probably meant by a plain value under a table's name: the first key of the table
    /// that takes such a value.
    fn dotted_guess(&self, table: &str, value: &RawValue) -> Option<String> {
        let fits = |key: &&Key| {
            let raw = Raw {
                span: 0..0,
                is: value.clone(),
            };
            key.kind.decode(&raw).is_ok()
        };
        let mut keys = self.schema.keys_of(table);
        let first = self.schema.keys_of(table).next();
        keys.find(fits).or(first).map(|key| key.name.to_owned())
    }
}
