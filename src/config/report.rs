//! Reports of problems: all problems at once, each with the text at fault underlined.

use std::{fmt, ops::Range};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The gateway cannot run with this.
    Error,
    /// The gateway can run with this, but a person should know of it.
    Warning,
}

/// A text that settings come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// The path of the file. `None` for a variable or a flag, whose text shows what it is.
    pub(super) path: Option<String>,
    pub(super) text: String,
}

/// A piece of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of the source.
    pub(super) source: usize,
    /// The bytes of the source.
    pub(super) span: Range<usize>,
}

/// A piece of a source, and a label for it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    at: Place,
    label: String,
    main: bool,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    severity: Severity,
    title: String,
    marks: Vec<Mark>,
    notes: Vec<String>,
    help: Option<String>,
}

impl Problem {
    pub(crate) fn error(title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            title: title.into(),
            marks: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    pub(crate) fn warning(title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(title)
        }
    }

    /// Underlines what is wrong. `None` if the value has no place that could be shown.
    pub(crate) fn at(self, place: Option<Place>, label: impl Into<String>) -> Self {
        self.mark(place, label.into(), true)
    }

    /// Underlines another place that has to do with it.
    pub(crate) fn near(self, place: Option<Place>, label: impl Into<String>) -> Self {
        self.mark(place, label.into(), false)
    }

    fn mark(mut self, place: Option<Place>, label: String, main: bool) -> Self {
        self.marks.extend(place.map(|at| Mark { at, label, main }));
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into().or(self.help);
        self
    }

    pub(super) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The place by which problems are sorted. Problems without a place come last.
    fn order(&self) -> (usize, usize) {
        let main = self.marks.iter().find(|mark| mark.main);
        main.or(self.marks.first())
            .map_or((usize::MAX, 0), |mark| (mark.at.source, mark.at.span.start))
    }

    pub(super) fn first_place(&self) -> Option<&Place> {
        self.marks.first().map(|mark| &mark.at)
    }
}

/// Problems, and the texts that they are shown in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    problems: Vec<Problem>,
    sources: Vec<Source>,
}

impl Report {
    pub(super) fn new(mut problems: Vec<Problem>, sources: Vec<Source>) -> Self {
        problems.sort_by_key(Problem::order);
        Self { problems, sources }
    }

    /// How many problems there are.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// Whether there are no problems.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The titles of the problems, without full stops.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.problems.iter().map(|problem| problem.title.as_str())
    }

    /// The report for a terminal if `colour` is true, and otherwise as plain text. It does not end with a
    /// line break.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let shown: Vec<_> = self
            .problems
            .iter()
            .map(|problem| renderer.render(&[self.group(problem)]))
            .collect();
        shown.join("\n\n")
    }

    /// Every place has to lie within its source, at the boundaries of characters.
    #[cfg(test)]
    pub(super) fn assert_places(&self) {
        for mark in self.problems.iter().flat_map(|problem| &problem.marks) {
            let text = &self.sources[mark.at.source].text;
            assert!(text.get(mark.at.span.clone()).is_some(), "{mark:?}");
        }
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(&problem.title));
        for (number, source) in self.sources.iter().enumerate() {
            let here = |mark: &&Mark| mark.at.source == number;
            let marks: Vec<_> = problem.marks.iter().filter(here).collect();
            if !marks.is_empty() {
                group = group.element(snippet(source, &marks));
            }
        }
        for note in &problem.notes {
            group = group.element(Level::NOTE.message(safe(note)));
        }
        group.elements(
            problem
                .help
                .iter()
                .map(|help| Level::HELP.message(safe(help))),
        )
    }
}

fn snippet<'a>(
    source: &'a Source,
    marks: &[&'a Mark],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let annotations = marks.iter().map(|mark| {
        let kind = if mark.main {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        kind.span(mark.at.span.clone()).label(mark.label.as_str())
    });
    Snippet::source(source.text.as_str())
        .path(source.path.as_deref())
        .line_numbering(source.path.is_some())
        .annotations(annotations)
}

/// Removes control characters, with which a text from a file could steer the terminal.
fn safe(text: &str) -> String {
    text.lines()
        .map(normalize_untrusted_str)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The report as plain text.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// The known name that was probably meant, if one is similar enough.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let name = plain(name);
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&name, &plain(known)), known))
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The number of the line with the byte at `offset`, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near_or_none() {
        let known = ["port", "admin_port", "address"];
        assert_eq!(nearest("prot", known), Some("port"));
        assert_eq!(nearest("Admin-Port", known), Some("admin_port"));
        assert_eq!(nearest("adress", known), Some("address"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", ["abcdef"]), None);
    }

    #[test]
    fn lines_are_counted_from_one() {
        assert_eq!(line_of("a\nb\n", 0), 1);
        assert_eq!(line_of("a\nb\n", 2), 2);
        assert_eq!(line_of("a", 99), 1);
    }

    #[test]
    fn a_note_cannot_steer_the_terminal() {
        let problem = Problem::error("x")
            .note("\u{1b}[2J")
            .help("\u{1b}]0;t\u{7}".to_owned());
        let report = Report::new(vec![problem], Vec::new());
        assert!(!report.to_string().contains('\u{1b}'));
    }
}
