//! A start as a table and a time line for people. This is pure: it turns the daemon's answer, a screen and
//! a time into lines.

use std::{cmp::Reverse, collections::BTreeSet, time::SystemTime};

use anstyle::{AnsiColor, Style};
use supervise::{effect::StateName, spec::ServiceName};

use super::super::{
    context::Screen,
    table::{self, Column},
    text::{self, BOLD, DIM, Line, colour},
};
use crate::control::types::{Blame, ServiceStart};

/// The width of the time line, if there is enough room. If there is less than the least width, no time line
/// is shown.
const TIME_LINE: usize = 40;
const TIME_LINE_LEAST: usize = 8;

/// A phase of a service's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StartPhase {
    /// It waits for what it requires.
    Wait,
    /// Python imports its modules.
    Imports,
    /// Its application starts.
    Application,
    /// From there, or from the launch if there are no such phases, until its probe passes.
    Answer,
    /// Its post-start command runs.
    After,
}

const PHASES: [StartPhase; 5] = [
    StartPhase::Wait,
    StartPhase::Imports,
    StartPhase::Application,
    StartPhase::Answer,
    StartPhase::After,
];

impl StartPhase {
    const fn title(self) -> &'static str {
        match self {
            Self::Wait => "WAITED",
            Self::Imports => "IMPORTS",
            Self::Application => "APP",
            Self::Answer => "ANSWER",
            Self::After => "AFTER",
        }
    }

    fn words(self, start: &ServiceStart) -> String {
        match self {
            Self::Wait => match &start.waited_for {
                Some(service) => format!("waited for {service}"),
                None if start.launched_usec.is_some() => "waited".to_owned(),
                None => {
                    let requires: Vec<_> = start.requires.iter().map(ServiceName::as_str).collect();
                    format!("waits for {}", text::list(&requires))
                }
            },
            Self::Imports => "imported its modules".to_owned(),
            Self::Application => "started its application".to_owned(),
            Self::Answer => "until its probe passed".to_owned(),
            Self::After => "ran its post-start command".to_owned(),
        }
    }

    const fn style(self) -> Style {
        match self {
            Self::Wait => DIM,
            Self::Imports => colour(AnsiColor::Blue),
            Self::Application => colour(AnsiColor::Cyan),
            Self::Answer => colour(AnsiColor::Green),
            Self::After => colour(AnsiColor::Yellow),
        }
    }

    const fn symbol(self, unicode: bool) -> char {
        match (self, unicode) {
            (Self::Wait, true) => '·',
            (Self::Wait, false) => '.',
            (_, true) => '▇',
            (_, false) => '#',
        }
    }
}

/// A phase with its beginning and its end, in microseconds since the whole start began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    step: StartPhase,
    from: u64,
    to: u64,
}

/// The phases that a service has finished, in order, and the current one until `now`.
fn spans(start: &ServiceStart, now: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut from = start.wanted_usec;
    let mut done = |step, to: Option<u64>| {
        if let (Some(begin), Some(end)) = (from, to) {
            if end > begin {
                let (from, to) = (begin, end);
                spans.push(Span { step, from, to });
            }
            from = to;
        }
    };
    done(StartPhase::Wait, start.launched_usec);
    if start.launched_usec.is_some() {
        done(StartPhase::Imports, start.imported_usec);
        done(StartPhase::Application, start.started_usec);
        // A service without a probe was ready as soon as its command was done.
        done(StartPhase::Answer, start.answered_usec);
        done(StartPhase::After, start.ready_usec);
    }
    let at = match start.state {
        StateName::Waiting => Some(StartPhase::Wait),
        StateName::Starting if start.answered_usec.is_some() => Some(StartPhase::After),
        StateName::Starting if start.imported_usec.is_some() && start.started_usec.is_none() => {
            Some(StartPhase::Application)
        }
        StateName::Starting => Some(StartPhase::Answer),
        StateName::Stopped
        | StateName::Running
        | StateName::Completed
        | StateName::Scheduled
        | StateName::Ready
        | StateName::Unhealthy
        | StateName::Draining
        | StateName::Stopping
        | StateName::BackingOff
        | StateName::Failed => None,
    };
    if let Some(step) = at.filter(|_| start.ready_usec.is_none()) {
        done(step, Some(now));
    }
    spans
}

/// The time from launch to ready, or, if it is not ready yet, the time so far.
fn took(start: &ServiceStart, now: u64) -> Option<u64> {
    let launched = start.launched_usec?;
    let end = match start.state {
        StateName::Starting => start.ready_usec.or(Some(now)),
        StateName::Stopped
        | StateName::Waiting
        | StateName::Running
        | StateName::Completed
        | StateName::Scheduled
        | StateName::Ready
        | StateName::Unhealthy
        | StateName::Draining
        | StateName::Stopping
        | StateName::BackingOff
        | StateName::Failed => start.ready_usec,
    };
    Some(end?.saturating_sub(launched))
}

/// When the last of these services became ready. `None` if some are not ready.
fn all_ready(blame: &Blame) -> Option<u64> {
    let mut latest = None;
    for start in blame.services.values() {
        latest = latest.max(Some(start.ready_usec?));
    }
    latest
}

/// The last start of everything.
pub(super) fn whole(blame: &Blame, screen: Screen, now: SystemTime) -> Vec<Line> {
    let mut lines = headline(blame, now).wrapped(screen.width);
    lines.push(Line::new());
    lines.extend(services(blame, screen));
    let chain = chain(blame);
    if !chain.is_empty() {
        lines.push(Line::new());
        lines.extend(tree(&chain, blame, screen));
    }
    lines
}

fn headline(blame: &Blame, now: SystemTime) -> Line {
    let line = Line::new().and(BOLD, "ai-gateway");
    let Some(ready) = all_ready(blame) else {
        let count = blame.services.values();
        let count = count.filter(|start| start.ready_usec.is_some()).count();
        return line.plain(format!(
            " began to start {} ago: {count} of {} ready",
            exact(blame.now_usec),
            blame.services.len()
        ));
    };
    line.plain(" was ready ")
        .and(BOLD, exact(ready))
        .plain(" after its start began, ")
        .plain(format!("{} ago", text::ago(&blame.began, now)))
}

/// A row for each service, the slowest first. Services that are not ready come before all others.
fn services(blame: &Blame, screen: Screen) -> Vec<Line> {
    let now = blame.now_usec;
    let mut rows: Vec<_> = blame.services.iter().collect();
    rows.sort_by_key(|(_, start)| {
        let unready = start.ready_usec.is_none();
        (Reverse(unready), Reverse(took(start, now)))
    });
    let column = |title, right, worth, cell: &dyn Fn(&ServiceName, &ServiceStart) -> Line| Column {
        title,
        right,
        worth,
        cells: rows.iter().map(|(name, start)| cell(name, start)).collect(),
    };
    let time = |time: Option<u64>| time.map(exact).unwrap_or_default();
    let mut columns = vec![
        column("SERVICE", false, 9, &|name, _| {
            Line::new().and(BOLD, name.as_str())
        }),
        column("STATE", false, 9, &|_, start| match start.ready_usec {
            Some(_) => Line::new(),
            None => Line::new().and(table::style(start.state), start.state.as_str()),
        }),
        column("TOOK", true, 9, &|_, start| {
            Line::new().and(BOLD, time(took(start, now)))
        }),
    ];
    let steps = PHASES.map(|step| {
        column(step.title(), true, 5, &|_, start| {
            let spans = spans(start, now);
            let span = spans.iter().find(|span| span.step == step);
            Line::new().and(step.style(), time(span.map(|span| span.to - span.from)))
        })
    });
    columns.extend(steps);
    columns.retain(|column| !column.is_empty());
    let others: usize = columns.iter().map(|column| column.width() + 2).sum();
    let room = screen.width.saturating_sub(others).min(TIME_LINE);
    if room >= TIME_LINE_LEAST {
        let until = all_ready(blame).unwrap_or(now);
        columns.push(column("", false, 1, &|_, start| {
            time_line(&spans(start, now), until, room, screen.unicode)
        }));
    }
    table::drop_what_does_not_fit(&mut columns, screen.width);
    table::rows(&columns, rows.len())
}

/// `cells` columns for the time until `until`. A phase that is too short for a column still gets one.
fn time_line(spans: &[Span], until: u64, cells: usize, unicode: bool) -> Line {
    let wide = u64::try_from(cells).unwrap_or(u64::MAX);
    let until = until.max(1);
    // If several phases reach into a column, the last one that is not waiting is shown.
    let at = |cell: u64| {
        let (from, to) = (cell * until / wide, (cell + 1) * until / wide);
        let within = |span: &&Span| span.from < to && span.to > from;
        let longest = |span: &&Span| {
            let inside = span.to.min(to) - span.from.max(from);
            (span.step != StartPhase::Wait, inside)
        };
        spans.iter().filter(within).max_by_key(longest)
    };
    (0..wide).fold(Line::new(), |line, cell| match at(cell) {
        Some(span) => line.and(span.step.style(), span.step.symbol(unicode)),
        None => line.plain(" "),
    })
}

/// The services that the whole start waited for, the last one first.
fn chain(blame: &Blame) -> Vec<&ServiceName> {
    let now = blame.now_usec;
    let launched = blame
        .services
        .iter()
        .filter(|(_, s)| s.launched_usec.is_some());
    let last = launched.max_by_key(|(_, start)| {
        let end = start.ready_usec.unwrap_or(now);
        (start.ready_usec.is_none(), end, took(start, now))
    });
    let mut next = last.map(|(name, _)| name);
    let (mut chain, mut seen) = (Vec::new(), BTreeSet::new());
    while let Some(name) = next
        && seen.insert(name)
        && let Some((name, start)) = blame.services.get_key_value(name)
    {
        chain.push(name);
        next = start.waited_for.as_ref();
    }
    chain
}

fn tree(chain: &[&ServiceName], blame: &Blame, screen: Screen) -> Vec<Line> {
    let branch = if screen.unicode { "└─" } else { "`-" };
    let legend = "The whole start waited for (@ when it was ready, + how long that took):";
    let mut lines = Line::new().and(DIM, legend).wrapped(screen.width);
    for (depth, name) in chain.iter().enumerate() {
        let indent = match depth {
            0 => String::new(),
            depth => "  ".repeat(depth - 1) + branch,
        };
        let start = &blame.services[*name];
        let line = Line::new().and(DIM, indent).and(BOLD, name.as_str());
        let line = match start.ready_usec {
            Some(ready) => line.plain(format!(" @{}", exact(ready))),
            None => line
                .plain(" ")
                .and(table::style(start.state), start.state.as_str()),
        };
        lines.push(match took(start, blame.now_usec) {
            Some(took) => line.and(colour(AnsiColor::Red), format!(" +{}", exact(took))),
            None => line,
        });
    }
    lines
}

/// The newest start of one service.
pub(super) fn one(
    service: &ServiceName,
    blame: &Blame,
    screen: Screen,
    now: SystemTime,
) -> Vec<Line> {
    let name = Line::new().and(BOLD, service.as_str());
    let Some(start) = blame
        .services
        .get(service)
        .filter(|start| start.wanted_usec.is_some())
    else {
        return vec![name.plain(" was not started since the daemon began")];
    };
    let headline = match start.ready_usec {
        Some(ready) => name
            .plain(" was ready ")
            .and(BOLD, exact(ready))
            .plain(" after it was wanted, ")
            .plain(format!("{} ago", text::ago(&blame.began, now))),
        None => name
            .plain(format!(" was wanted {} ago and is ", exact(blame.now_usec)))
            .and(table::style(start.state), start.state.as_str()),
    };
    let spans = spans(start, blame.now_usec);
    let until = spans.last().map_or(1, |span| span.to);
    let column = |right, cell: &dyn Fn(&Span) -> Line| Column {
        title: "",
        right,
        worth: 9,
        cells: spans.iter().map(cell).collect(),
    };
    let columns = [
        column(true, &|span| {
            Line::new().and(BOLD, exact(span.to - span.from))
        }),
        column(false, &|span| {
            Line::new().and(span.step.style(), span.step.words(start))
        }),
        column(false, &|span| {
            time_line(std::slice::from_ref(span), until, TIME_LINE, screen.unicode)
        }),
    ];
    let mut lines = headline.wrapped(screen.width);
    lines.extend(table::rows(&columns, spans.len()));
    lines
}

/// A time as systemd-analyze prints it, to three places: `180ms`, `9.42s`, `1min 12.3s`.
fn exact(usec: u64) -> String {
    let millis = (usec + 500) / 1000;
    match millis {
        0..1_000 => format!("{millis}ms"),
        1_000..10_000 => format!("{}.{:02}s", millis / 1000, millis % 1000 / 10),
        10_000..60_000 => format!("{}.{}s", millis / 1000, millis % 1000 / 100),
        _ => format!(
            "{}min {}.{}s",
            millis / 60_000,
            millis % 60_000 / 1000,
            millis % 1000 / 100
        ),
    }
}

#[cfg(test)]
mod tests;
