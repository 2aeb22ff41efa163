//! Lines in styles, and words for times and sizes. Pure.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use anstyle::{AnsiColor, Style};

/// One line of output, in pieces of one style each. Every character takes one column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Style, String)>);

impl Line {
    /// A line with nothing on it.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The line with `text` after it.
    #[must_use]
    pub(super) fn and(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    /// The line with plain `text` after it.
    #[must_use]
    pub(super) fn plain(self, text: impl Into<String>) -> Self {
        self.and(Style::new(), text)
    }

    /// The line with all of `other` after it.
    #[must_use]
    pub(super) fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Columns.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    /// Filled up with blanks, on the left if `right`.
    #[must_use]
    pub(super) fn padded(self, width: usize, right: bool) -> Self {
        let blanks = " ".repeat(width.saturating_sub(self.width()));
        if right {
            Self::new().plain(blanks).join(self)
        } else {
            self.plain(blanks)
        }
    }

    /// In lines of at most `width` columns where words allow.
    pub(super) fn wrapped(&self, width: usize) -> Vec<Self> {
        let mut lines = vec![Self::new()];
        for (style, text) in &self.0 {
            for word in text.split_inclusive(' ') {
                let line = lines.last_mut().expect("there is at least one line");
                let columns = line.width() + word.trim_end().chars().count();
                if columns <= width || line.width() == 0 {
                    match line.0.last_mut() {
                        Some((last, text)) if last == style => text.push_str(word),
                        _ => line.0.push((*style, word.to_owned())),
                    }
                } else {
                    if let Some((_, last)) = line.0.last_mut() {
                        last.truncate(last.trim_end().len());
                    }
                    lines.push(Self::new().and(*style, word.trim_start()));
                }
            }
        }
        lines
    }

    /// With its escape sequences, cut to `width` columns, without blanks at the end.
    pub(super) fn render(&self, width: usize) -> String {
        let (mut out, mut room) = (String::new(), width);
        for (style, text) in &self.0 {
            let piece: String = text.chars().take(room).collect();
            room -= piece.chars().count();
            if *style == Style::new() || piece.is_empty() {
                out.push_str(&piece);
            } else {
                let _infallible = write!(out, "{style}{piece}{style:#}");
            }
        }
        out.truncate(out.trim_end_matches(' ').len());
        out
    }
}

/// Text in one of the terminal's own colours.
pub(super) const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

/// What matters less.
pub(super) const DIM: Style = Style::new().dimmed();

/// What matters more.
pub(super) const BOLD: Style = Style::new().bold();

/// A length of time in its largest unit: `12 s`, `3 min`, `2 h`, `5 d`.
pub(super) fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How long ago a moment in RFC 3339 was. A moment that is still to come is now; text that is no
/// time stays as it is.
pub(super) fn ago(timestamp: &str, now: SystemTime) -> String {
    since(timestamp, now).map_or_else(|| timestamp.to_owned(), length)
}

/// The time since a moment in RFC 3339.
pub(super) fn since(timestamp: &str, now: SystemTime) -> Option<Duration> {
    let then = humantime::parse_rfc3339(timestamp).ok()?;
    Some(now.duration_since(then).unwrap_or_default())
}

/// A size in millions of bytes, or in thousands of millions from 10 of them on.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000_000_000 => format!("{} MB", (bytes + 500_000) / 1_000_000),
        _ => format!("{} GB", (bytes + 500_000_000) / 1_000_000_000),
    }
}

/// `done` of `whole` as a bar of `cells` columns. Anything above nothing shows, and only a full
/// bar is full.
pub(super) fn bar(done: u64, whole: u64, cells: usize, unicode: bool) -> String {
    let wide = cells as u128;
    let share = u128::from(done) * wide / u128::from(whole.max(1));
    let full = usize::try_from(share).unwrap_or(cells).min(cells);
    let full = if done > 0 { full.max(1) } else { full };
    let (on, off) = if unicode { ("▇", "▁") } else { ("#", ".") };
    format!("{}{}", on.repeat(full), off.repeat(cells - full))
}

/// Words as a list: `a, b and c`.
pub(super) fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        for (seconds, told) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (86_399, "23 h"),
            (200_000, "2 d"),
        ] {
            assert_eq!(length(Duration::from_secs(seconds)), told);
        }
    }

    #[test]
    fn a_time_to_come_is_now_and_no_time_stays_as_it_is() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(90);
        assert_eq!(ago("1970-01-01T00:00:30Z", now), "1 min");
        assert_eq!(ago("1970-01-01T00:02:00Z", now), "0 s");
        assert_eq!(ago("yesterday", now), "yesterday");
    }

    #[test]
    fn a_bar_shows_the_least_and_is_full_only_at_the_end() {
        assert_eq!(bar(0, 480, 4, true), "▁▁▁▁");
        assert_eq!(bar(1, 480, 4, true), "▇▁▁▁");
        assert_eq!(bar(312, 480, 4, true), "▇▇▁▁");
        assert_eq!(bar(479, 480, 4, true), "▇▇▇▁");
        assert_eq!(bar(480, 480, 4, true), "▇▇▇▇");
        assert_eq!(bar(u64::MAX, 0, 4, false), "####");
        assert_eq!(bar(240, 480, 4, false), "##..");
    }

    #[test]
    fn a_line_is_cut_without_breaking_its_colours() {
        let line = Line::new().plain("ab").and(BOLD, "cd").plain("  ");
        assert_eq!(line.width(), 6);
        assert_eq!(line.render(3), "ab\u{1b}[1mc\u{1b}[0m");
        assert_eq!(line.render(99), "ab\u{1b}[1mcd\u{1b}[0m");
        assert_eq!(Line::new().plain("x").padded(3, true).render(9), "  x");
    }

    #[test]
    fn a_long_line_is_wrapped_between_words() {
        let line = Line::new().and(BOLD, "one two").plain(" three four");
        let wrapped: Vec<String> = line
            .wrapped(9)
            .iter()
            .map(|line| anstream::adapter::strip_str(&line.render(99)).to_string())
            .collect();
        assert_eq!(wrapped, ["one two", "three", "four"]);
        // Words of one style that stay together are one piece, without a blank at its end.
        let first = Line::new().and(BOLD, "one two three").wrapped(8).remove(0);
        assert_eq!(first, Line::new().and(BOLD, "one two"));
        assert_eq!(line.wrapped(usize::MAX).len(), 1);
        assert_eq!(line.wrapped(1).len(), 4);
    }

    #[test]
    fn sizes_are_rounded() {
        assert_eq!(size(0), "0 MB");
        assert_eq!(size(480_499_999), "480 MB");
        assert_eq!(size(480_500_000), "481 MB");
        assert_eq!(size(12_600_000_000), "13 GB");
    }

    #[test]
    fn lists_end_in_and() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
