//! How set-up shows what it does: bars on a terminal, plain lines anywhere else.

use std::{
    io::{self, IsTerminal as _, Write},
    time::{Duration, Instant},
};

use indicatif::{DecimalBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How much a step has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// It is not known.
    Unknown,
    /// It has to write about this many bytes.
    Bytes(u64),
    /// It has to do this many things.
    Items(u64),
}

/// Whoever is told of the progress of set-up.
pub trait Progress {
    /// A step begins.
    fn begin(&mut self, step: &str, total: Total);
    /// The current step has done this much since its beginning.
    fn advance(&mut self, done: u64);
    /// Tells what the current step is doing, or gives a note between two steps.
    fn message(&mut self, text: &str);
    /// The step that began last has ended.
    fn end(&mut self, done: bool);
}

/// Bars where standard error is a terminal, plain lines where it is not.
pub fn for_standard_error() -> Box<dyn Progress> {
    if io::stderr().is_terminal() {
        Box::new(Bars::default())
    } else {
        Box::new(Lines::new(io::stderr()))
    }
}

/// The one place of set-up that looks at a clock.
pub(crate) fn now() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "set-up is one command outside of the runtime; it measures, it does not decide"
    )]
    Instant::now()
}

/// Bars with sizes and rates.
#[derive(Debug, Default)]
pub struct Bars {
    current: Option<(ProgressBar, String, Instant)>,
}

impl Bars {
    const TICK: Duration = Duration::from_millis(120);

    /// What is drawn has to fit a line of 80 columns: a longer one wraps, and then each drawing
    /// leaves the one before it on the screen.
    const fn template(total: Total) -> &'static str {
        match total {
            Total::Unknown => "{spinner} {prefix:20} {elapsed:>5} {wide_msg:.dim}",
            Total::Bytes(_) => {
                "{spinner} {prefix:20} [{bar:14}] {decimal_bytes:>9} of {decimal_total_bytes:9} {wide_msg:.dim}"
            }
            Total::Items(_) => {
                "{spinner} {prefix:20} [{bar:14}] {pos:>9} of {len:9} {wide_msg:.dim}"
            }
        }
    }

    fn style(total: Total) -> ProgressStyle {
        ProgressStyle::with_template(Self::template(total))
            .expect("the templates above are well-formed: a test renders them")
            .progress_chars("=> ")
    }
}

impl Progress for Bars {
    fn begin(&mut self, step: &str, total: Total) {
        let length = match total {
            Total::Unknown => None,
            Total::Bytes(n) | Total::Items(n) => Some(n),
        };
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
        bar.set_style(Self::style(total));
        bar.set_prefix(step.to_owned());
        bar.enable_steady_tick(Self::TICK);
        self.current = Some((bar, step.to_owned(), now()));
    }

    fn advance(&mut self, done: u64) {
        if let Some((bar, ..)) = &self.current {
            // An estimate that was too low must not end the bar before its step.
            bar.set_length(bar.length().map_or(done, |length| length.max(done)));
            bar.set_position(done);
        }
    }

    fn message(&mut self, text: &str) {
        match &self.current {
            Some((bar, ..)) => bar.set_message(text.to_owned()),
            None => eprintln!("{text}"),
        }
    }

    fn end(&mut self, done: bool) {
        if let Some((bar, step, began)) = self.current.take() {
            bar.finish_and_clear();
            eprintln!("{}", summary(&step, done, began.elapsed()));
        }
    }
}

fn summary(step: &str, done: bool, took: Duration) -> String {
    let mark = if done { "✓" } else { "✗" };
    let seconds = took.as_secs_f64();
    format!("{mark} {step:20} {seconds:>6.1} s")
}

/// One line when a step begins, one when it has ended, and one now and then in between.
#[derive(Debug)]
pub struct Lines<W> {
    to: W,
    step: String,
    total: Option<Total>,
    began: Option<Instant>,
    last: Option<Instant>,
    done: u64,
}

impl<W: Write> Lines<W> {
    /// Often enough to show life, seldom enough for a log.
    const EVERY: Duration = Duration::from_secs(10);

    /// Writes lines to `to`.
    pub const fn new(to: W) -> Self {
        Self {
            to,
            step: String::new(),
            total: None,
            began: None,
            last: None,
            done: 0,
        }
    }

    /// Progress that cannot be shown is no reason to stop.
    fn line(&mut self, text: &str) {
        let _written = writeln!(self.to, "{text}");
    }

    fn amount(&self) -> String {
        match self.total {
            Some(Total::Bytes(of)) => {
                format!(
                    ", {} of about {}",
                    DecimalBytes(self.done),
                    DecimalBytes(of.max(self.done))
                )
            }
            Some(Total::Items(of)) => format!(", {} of {of}", self.done),
            Some(Total::Unknown) | None => String::new(),
        }
    }
}

impl<W: Write> Progress for Lines<W> {
    fn begin(&mut self, step: &str, total: Total) {
        step.clone_into(&mut self.step);
        self.total = Some(total);
        self.done = 0;
        self.began = Some(now());
        self.last = self.began;
        self.line(&format!("{step} ..."));
    }

    fn advance(&mut self, done: u64) {
        self.done = done;
        if self.last.is_some_and(|last| last.elapsed() >= Self::EVERY) {
            self.last = Some(now());
            let text = format!("{}: still at it{}", self.step, self.amount());
            self.line(&text);
        }
    }

    fn message(&mut self, text: &str) {
        if self.began.is_none() {
            self.line(text);
        }
    }

    fn end(&mut self, done: bool) {
        let took = self
            .began
            .take()
            .map_or(0.0, |began| began.elapsed().as_secs_f64());
        let outcome = if done { "done" } else { "failed" };
        let text = format!("{}: {outcome} in {took:.1} s", self.step);
        self.line(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_when_a_step_begins_and_how_it_ended() {
        let mut lines = Lines::new(Vec::new());
        lines.message("waiting");
        lines.begin("a step", Total::Bytes(5_000_000));
        lines.message("one of many lines of a package manager");
        lines.advance(1_000_000);
        lines.end(true);
        let text = String::from_utf8(lines.to).unwrap();
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            ["waiting", "a step ...", "a step: done in 0.0 s"]
        );
    }

    #[test]
    fn every_bar_fits_a_line_of_80_columns() {
        for total in [Total::Unknown, Total::Bytes(1), Total::Items(1)] {
            let mut columns = 0;
            for (at, piece) in Bars::template(total).split(['{', '}']).enumerate() {
                columns += match piece.split_once(':') {
                    _ if at % 2 == 0 => piece.len(),
                    Some(("wide_msg", _)) => 0,
                    Some((_, width)) => width.trim_start_matches('>').parse().unwrap(),
                    None => 1,
                };
            }
            // Some of it is for the message.
            assert!(columns <= 70, "{total:?}: {columns}");
        }
    }

    #[test]
    fn every_bar_can_be_drawn_even_beyond_its_estimate() {
        for total in [Total::Unknown, Total::Bytes(10), Total::Items(3)] {
            let mut bars = Bars::default();
            bars.begin("a step", total);
            bars.advance(20);
            let (bar, ..) = bars.current.as_ref().unwrap();
            assert_eq!(bar.position(), 20, "{total:?}");
            bars.end(true);
            assert!(bars.current.is_none());
        }
    }
}
