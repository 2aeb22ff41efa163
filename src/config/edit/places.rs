//! Where a key's line or value goes in a text, so that nothing else of it changes.
//!
//! Pure. A place is only proposed here; [`super::set`] reads the new text again and takes the first one
//! that says what is wanted.

use std::ops::Range;

use crate::config::value::{Name, Raw, RawValue};

/// The places where a key could be set.
pub(super) struct Places<'a> {
    /// The text as it is.
    pub(super) text: &'a str,
    /// The key's whole dotted name.
    pub(super) key: &'a str,
    /// Its new value.
    pub(super) toml: &'a str,
    /// What the parser found in the text.
    pub(super) entries: &'a [(Name, Raw)],
}

impl Places<'_> {
    /// New texts, the best one first. Whether one of them is right, a parser has to say.
    pub(super) fn candidates(&self) -> Vec<String> {
        let parts: Vec<_> = self.key.split('.').collect();
        if let Some(raw) = find(self.entries, &parts) {
            return vec![self.spliced(raw.span.clone(), self.toml)];
        }
        let (leaf, table) = parts.split_last().expect("split gives at least one part");
        let end = self.end();
        let line = format!("{leaf} = {}{end}", self.toml);
        if table.is_empty() {
            return self.lines_in(0, leaf, &line, &[self.end_of_top()]);
        }
        match find(self.entries, table).map(|raw| raw.span.clone()) {
            Some(span) if self.text[span.clone()].starts_with('[') => {
                let after_header = self.line_end(span.end);
                self.lines_in(after_header, leaf, &line, &[after_header])
            }
            Some(span) if self.text[span.clone()].starts_with('{') => {
                let at = span.start + 1;
                let empty = self.text[span].trim_matches(['{', '}', ' ']).is_empty();
                let after = if empty { " " } else { "," };
                vec![self.spliced(at..at, &format!(" {leaf} = {}{after}", self.toml))]
            }
            Some(_) => {
                let line = format!("{} = {}{end}", self.key, self.toml);
                vec![self.inserted(self.end_of_top(), &line)]
            }
            None => {
                let blank = if self.text.is_empty() { "" } else { end };
                let section = format!("{blank}[{}]{end}{line}", table.join("."));
                vec![self.inserted(self.text.len(), &section)]
            }
        }
    }

    /// The line below its commented twin in the section from `start` on, or at one of `others`.
    fn lines_in(&self, start: usize, leaf: &str, line: &str, others: &[usize]) -> Vec<String> {
        let end = self.headers().into_iter().find(|&header| header >= start);
        let section = &self.text[start..end.unwrap_or(self.text.len())];
        let mut offset = start;
        let mut places = Vec::new();
        for existing in section.split_inclusive('\n') {
            offset += existing.len();
            let comment = existing.trim_start().strip_prefix('#').map(str::trim_start);
            let twin = comment.and_then(|comment| comment.strip_prefix(leaf));
            if twin.is_some_and(|rest| rest.trim_start().starts_with('=')) {
                places.push(offset);
            }
        }
        places.extend(others);
        places
            .into_iter()
            .map(|at| self.inserted(at, line))
            .collect()
    }

    /// Where the headers of tables begin, in order.
    fn headers(&self) -> Vec<usize> {
        fn collect(text: &str, entries: &[(Name, Raw)], found: &mut Vec<usize>) {
            for (_, raw) in entries {
                if let RawValue::Table(entries) = &raw.is {
                    if text[raw.span.clone()].starts_with('[') {
                        found.push(raw.span.start);
                    }
                    collect(text, entries, found);
                }
            }
        }
        let mut found = Vec::new();
        collect(self.text, self.entries, &mut found);
        found.sort_unstable();
        found
    }

    /// After the last line before the first table and the comment that belongs to it.
    fn end_of_top(&self) -> usize {
        let Some(&header) = self.headers().first() else {
            return self.text.len();
        };
        let mut at = self.text[..header].rfind('\n').map_or(0, |end| end + 1);
        for line in self.text[..at].split_inclusive('\n').rev() {
            if !line.trim_start().starts_with('#') {
                break;
            }
            at -= line.len();
        }
        at
    }

    /// The start of the line after the one that holds the byte at `offset`.
    fn line_end(&self, offset: usize) -> usize {
        let rest = &self.text[offset..];
        offset + rest.find('\n').map_or(rest.len(), |end| end + 1)
    }

    /// Whole lines at the start of a line, or at an end that may lack its own.
    fn inserted(&self, at: usize, lines: &str) -> String {
        let open = at > 0 && !self.text[..at].ends_with('\n');
        self.spliced(
            at..at,
            &format!("{}{lines}", if open { self.end() } else { "" }),
        )
    }

    /// How the lines of the text end.
    fn end(&self) -> &'static str {
        if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    fn spliced(&self, span: Range<usize>, piece: &str) -> String {
        format!(
            "{}{piece}{}",
            &self.text[..span.start],
            &self.text[span.end..]
        )
    }
}

/// The value at a path of names.
pub(super) fn find<'a>(entries: &'a [(Name, Raw)], path: &[&str]) -> Option<&'a Raw> {
    let (first, rest) = path.split_first()?;
    let (_, raw) = entries.iter().find(|(name, _)| name.text == *first)?;
    match (rest, &raw.is) {
        ([], _) => Some(raw),
        (_, RawValue::Table(entries)) => find(entries, rest),
        _ => None,
    }
}
