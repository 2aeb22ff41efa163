//! What to report if a text is not TOML. The parser recovers from a mistake and goes on. Problems that
//! follow only from what it made of such a line are not reported.

use std::{collections::BTreeSet, ops::Range};

use super::{Document, Name, Raw, RawValue};
use crate::config::{
    report::{Place, Problem, line_of},
    schema::{Key, Schema},
};

/// One thing that the parser did not understand.
#[derive(Debug)]
pub(in crate::config) struct Mistake {
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

const DUPLICATE: &str = "duplicate key";
const UNQUOTED: &str = "string values must be quoted";
/// The parser's message about a word that begins like `true` or `false`.
const NO_BOOLEAN: &str = "invalid boolean";

/// Adds the mistakes to the problems that were found, and removes problems that only follow from them.
pub(super) fn add(
    schema: &'static Schema,
    document: &mut Document,
    text: &str,
    source: usize,
    entries: &[(Name, Raw)],
    mistakes: Vec<Mistake>,
) {
    let line = |at: usize| line_of(text, at);
    let bad: BTreeSet<_> = mistakes
        .iter()
        .map(|mistake| line(mistake.span.start))
        .collect();
    let on_bad_line = |place: &Place| bad.contains(&line(place.span.start));
    document
        .problems
        .retain(|problem| !problem.first_place().is_some_and(on_bad_line));
    let (unread, assignments) = std::mem::take(&mut document.assignments)
        .into_iter()
        .partition(|assignment| {
            // A value that the parser has made up has no place of its own.
            let spans = [&assignment.name_span, &assignment.raw.span];
            spans.iter().any(|span| bad.contains(&line(span.start)))
        });
    document.assignments = assignments;
    document.unread = unread;
    document.broken = true;

    let mut seen = BTreeSet::new();
    let mut twice_from = None;
    for Mistake { span, message } in mistakes {
        let number = line(span.start);
        let is_header = header_at(text, span.start).is_some();
        let duplicate = message.starts_with(DUPLICATE);
        // If a header appears twice, the keys below it appear twice as well.
        let follows =
            duplicate && twice_from.is_some_and(|from| !header_between(text, from, span.start));
        if !seen.insert(number) || (follows && !is_header) {
            continue;
        }
        if duplicate && is_header {
            twice_from = Some(span.end);
        }
        document
            .problems
            .push(problem(schema, text, source, entries, span, &message));
    }
}

fn problem(
    schema: &'static Schema,
    text: &str,
    source: usize,
    entries: &[(Name, Raw)],
    span: Range<usize>,
    message: &str,
) -> Problem {
    let place = |span: Range<usize>| Some(Place { source, span });
    let piece = &text[span.clone()];
    if message.starts_with(DUPLICATE) {
        let header = header_at(text, span.start);
        let first = match &header {
            Some(header) => earlier_header(text, header),
            None => earlier(entries, piece, span.start),
        };
        let span = header.unwrap_or(span);
        return Problem::error(format!("`{}` is there twice", &text[span.clone()]))
            .at(place(span), "this one is too many")
            .near(first.and_then(place), "it is here already");
    }
    let problem = Problem::error("this is not TOML");
    let bare = [UNQUOTED, NO_BOOLEAN]
        .iter()
        .find(|start| message.starts_with(*start));
    match bare {
        Some(_) if piece.is_empty() => problem.at(place(span), "expected a value"),
        Some(_) => match key_at(schema, text, span.start) {
            Some(key) if !takes(key, piece) => {
                Problem::error(format!("`{}` cannot be read", key.name))
                    .at(place(span), format!("expected {}", key.kind.expected()))
                    .help(format!("for example: {} = {}", key.leaf(), key.example))
            }
            Some(_) | None => problem
                .help(format!("if it is text: {}", super::quoted(piece)))
                .at(place(span), "no number, and text has to be in quotes"),
        },
        None => problem.at(place(span), message),
    }
}

/// Whether this text would be a valid value of the key if it were in quotes.
fn takes(key: &Key, text: &str) -> bool {
    let raw = Raw {
        span: 0..0,
        is: RawValue::Text(text.to_owned()),
    };
    key.kind.decode(&raw).is_ok()
}

/// The key whose value is on the line with the byte at `at`.
fn key_at(schema: &'static Schema, text: &str, at: usize) -> Option<&'static Key> {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let (name, _) = text[line..].lines().next()?.split_once('=')?;
    let mut offset = 0;
    let headers = text[..line].split_inclusive('\n').filter_map(|above| {
        offset += above.len();
        header_at(text, offset - above.len())
    });
    let header = headers.last().map(|header| &text[header]);
    let table = header.map(|header| header.trim_matches(['[', ']', ' ']));
    let name = name.trim();
    schema.find(&table.map_or_else(|| name.to_owned(), |table| format!("{table}.{name}")))
}

/// The last place before `end` at which this name stands.
fn earlier(entries: &[(Name, Raw)], name: &str, end: usize) -> Option<Range<usize>> {
    let here = |(known, raw): &(Name, Raw)| {
        let below = match &raw.is {
            RawValue::Table(entries) => earlier(entries, name, end),
            _ => None,
        };
        let own = (known.text == name && known.span.start < end).then(|| known.span.clone());
        own.into_iter().chain(below).max_by_key(|span| span.start)
    };
    entries
        .iter()
        .filter_map(here)
        .max_by_key(|span| span.start)
}

/// The header of a table on the line with the byte at `at`.
fn header_at(text: &str, at: usize) -> Option<Range<usize>> {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let text = text[line..].lines().next().unwrap_or_default();
    let start = text.find(|c: char| !c.is_whitespace())?;
    let end = text.rfind(']')? + 1;
    text[start..]
        .starts_with('[')
        .then_some(line + start..line + end)
}

/// The last header before this one with the same name.
fn earlier_header(text: &str, header: &Range<usize>) -> Option<Range<usize>> {
    let mut offset = 0;
    let lines = text[..header.start].split_inclusive('\n');
    let headers = lines.filter_map(|line| {
        offset += line.len();
        header_at(text, offset - line.len())
    });
    headers
        .filter(|earlier| text[earlier.clone()] == text[header.clone()])
        .last()
}

fn header_between(text: &str, from: usize, to: usize) -> bool {
    let between = text.get(from..to).unwrap_or_default();
    between
        .lines()
        .skip(1)
        .any(|line| line.trim_start().starts_with('['))
}
