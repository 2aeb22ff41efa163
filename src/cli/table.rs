//! The table of a status for people. This is pure: it turns a status, a screen and a time into lines.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use anstyle::{AnsiColor, Style};
use supervise::{effect::StateName, spec::ServiceName};

use super::{
    context::Screen,
    text::{self, BOLD, DIM, Line, colour},
};
use crate::{
    control::types::{GatewayState, GatewayStatus, Memory, ServiceStatus},
    services,
};

/// The width of a bar.
const BAR: usize = 8;

/// The CPU time that was used up to a point in time.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// That point in time.
    pub(super) at: SystemTime,
    /// The CPU time of each service in microseconds.
    pub(super) used: BTreeMap<ServiceName, u64>,
}

impl Sample {
    /// The sample of this status.
    pub(super) fn of(status: &GatewayStatus, at: SystemTime) -> Self {
        let used = status
            .services
            .iter()
            .filter_map(|(name, service)| Some((name.clone(), service.cpu.usage_usec?)))
            .collect();
        Self { at, used }
    }
}

/// The whole table. With an earlier sample, CPU is the share of the time since then; without one, it is the
/// total time.
pub(super) fn lines(
    status: &GatewayStatus,
    screen: Screen,
    now: SystemTime,
    earlier: Option<&Sample>,
) -> Vec<Line> {
    let mut lines = vec![headline(status, screen), Line::new()];
    lines.extend(table(status, screen, now, earlier));
    let troubles = troubles(status);
    if !troubles.is_empty() {
        lines.push(Line::new());
        lines.extend(troubles.iter().flat_map(|line| line.wrapped(screen.width)));
    }
    let notes = notes(status);
    if !notes.is_empty() {
        lines.push(Line::new());
        lines.extend(notes.iter().flat_map(|line| line.wrapped(screen.width)));
    }
    lines.push(Line::new());
    lines.extend(urls(status));
    if !status.limits.enforced {
        let why = status.limits.reason.as_deref().unwrap_or("nobody said why");
        lines.push(Line::new());
        let line = Line::new()
            .and(colour(AnsiColor::Yellow), "limits are not enforced:")
            .plain(format!(" {why}"));
        lines.extend(line.wrapped(screen.width));
    }
    lines
}

/// The gateway's state in a word.
pub(super) const fn state_word(state: GatewayState) -> &'static str {
    match state {
        GatewayState::Stopped => "stopped",
        GatewayState::Starting => "starting",
        GatewayState::Ready => "ready",
        GatewayState::Degraded => "degraded",
        GatewayState::Stopping => "stopping",
    }
}

fn headline(status: &GatewayStatus, screen: Screen) -> Line {
    let style = colour(match status.state {
        GatewayState::Ready => AnsiColor::Green,
        GatewayState::Starting | GatewayState::Stopping => AnsiColor::Yellow,
        GatewayState::Degraded => AnsiColor::Red,
        GatewayState::Stopped => AnsiColor::BrightBlack,
    });
    let count = |state| {
        let services = status.services.values();
        services.filter(|service| service.state == state).count()
    };
    let fine = status
        .services
        .values()
        .filter(|service| service.state.is_fine());
    let (ready, stopped) = (fine.count(), count(StateName::Stopped));
    let dot = if screen.unicode { " · " } else { ", " };
    // Services that were stopped by request do not count: nobody waits for them.
    let meant = status.services.len() - stopped;
    let stopped = match stopped {
        0 => String::new(),
        stopped => format!("{dot}{stopped} stopped"),
    };
    Line::new()
        .and(BOLD, "ai-gateway is ")
        .and(style.bold(), state_word(status.state))
        .plain(format!(
            "{dot}{ready} of {meant} services ready{stopped}{dot}profile {}",
            status.profile
        ))
}

/// A column: its cells, and its priority when there is not enough room.
pub(super) struct Column {
    /// Its title.
    pub(super) title: &'static str,
    /// Whether its cells are aligned on the right.
    pub(super) right: bool,
    /// The priority. The column with the lowest one is dropped first; from 9 on it is never dropped.
    pub(super) worth: u8,
    /// One cell for each row.
    pub(super) cells: Vec<Line>,
}

impl Column {
    /// The width of the column.
    pub(super) fn width(&self) -> usize {
        let cells = self.cells.iter().map(Line::width).max().unwrap_or(0);
        cells.max(self.title.chars().count())
    }

    /// Whether all its cells are empty.
    pub(super) fn is_empty(&self) -> bool {
        self.cells.iter().all(|cell| cell.width() == 0)
    }
}

fn table(
    status: &GatewayStatus,
    screen: Screen,
    now: SystemTime,
    earlier: Option<&Sample>,
) -> Vec<Line> {
    let services = &status.services;
    let column = |title, right, worth, cell: &dyn Fn(&ServiceName, &ServiceStatus) -> Line| {
        let cells = services.iter().map(|(name, s)| cell(name, s)).collect();
        Column {
            title,
            right,
            worth,
            cells,
        }
    };
    let plain = |text: String| Line::new().plain(text);
    let mut columns = vec![
        column("", false, 9, &|_, s| {
            Line::new().and(style(s.state), symbol(s.state, screen.unicode))
        }),
        column("SERVICE", false, 9, &|name, _| {
            Line::new().and(BOLD, name.as_str())
        }),
        column("STATE", false, 9, &|_, s| {
            Line::new().and(style(s.state), s.state.as_str())
        }),
        column("SINCE", true, 5, &|_, s| plain(text::ago(&s.since, now))),
        column("RESTARTS", true, 3, &|_, s| restarts(s.restarts)),
        column("MEMORY", false, 1, &|_, s| {
            memory_bar(&s.memory, screen.unicode)
        }),
        column("", true, 4, &|_, s| plain(memory_figures(&s.memory))),
        column("CPU", true, 2, &|name, s| {
            plain(cpu(name, s, now, earlier).unwrap_or_default())
        }),
    ];
    columns.retain(|column| !column.is_empty());
    drop_what_does_not_fit(&mut columns, screen.width);
    // The title of the figures is above the bar, unless there is no bar.
    if !columns.iter().any(|column| column.title == "MEMORY") {
        for column in columns.iter_mut().filter(|column| column.worth == 4) {
            column.title = "MEMORY";
        }
    }
    rows(&columns, services.len())
}

/// Drops the columns with the lowest priority until the others fit.
pub(super) fn drop_what_does_not_fit(columns: &mut Vec<Column>, width: usize) {
    loop {
        let needed: usize = columns.iter().map(|column| column.width() + 2).sum();
        let least = columns.iter().map(|column| column.worth).min();
        match least {
            Some(worth) if needed > width.saturating_add(2) && worth < 9 => {
                columns.retain(|column| column.worth != worth);
            }
            Some(_) | None => return,
        }
    }
}

/// A line of titles and one for each row.
pub(super) fn rows(columns: &[Column], count: usize) -> Vec<Line> {
    let row = |cell: &dyn Fn(&Column) -> Line| {
        columns.iter().fold(Line::new(), |line, column| {
            let gap = if line.width() == 0 { "" } else { "  " };
            // One blank is enough after a symbol.
            let gap = if line.width() == 1 { " " } else { gap };
            line.plain(gap)
                .join(cell(column).padded(column.width(), column.right))
        })
    };
    let title = row(&|column| Line::new().and(DIM, column.title));
    let rest = (0..count).map(|index| row(&|column| column.cells[index].clone()));
    std::iter::once(title).chain(rest).collect()
}

const fn symbol(state: StateName, unicode: bool) -> &'static str {
    let (wide, ascii) = match state {
        StateName::Ready | StateName::Completed => ("●", "*"),
        StateName::Waiting | StateName::Starting | StateName::Running => ("◐", "+"),
        StateName::Draining | StateName::Stopping => ("◑", "-"),
        StateName::Unhealthy | StateName::BackingOff => ("▲", "!"),
        StateName::Failed => ("✗", "x"),
        StateName::Stopped | StateName::Scheduled => ("○", "o"),
    };
    if unicode { wide } else { ascii }
}

/// The colour of a state.
pub(super) const fn style(state: StateName) -> Style {
    colour(match state {
        StateName::Ready | StateName::Completed => AnsiColor::Green,
        StateName::Waiting | StateName::Starting | StateName::Running => AnsiColor::Cyan,
        StateName::Draining | StateName::Stopping => AnsiColor::Blue,
        StateName::Unhealthy | StateName::BackingOff => AnsiColor::Yellow,
        StateName::Failed => AnsiColor::Red,
        StateName::Stopped | StateName::Scheduled => AnsiColor::BrightBlack,
    })
}

fn restarts(count: u32) -> Line {
    let style = if count == 0 {
        DIM
    } else {
        colour(AnsiColor::Yellow)
    };
    Line::new().and(style, count.to_string())
}

/// The limit at which the kernel kills. It is the figure that people have configured; throttling begins a
/// little below it.
fn ceiling(memory: &Memory) -> Option<u64> {
    memory.max.or(memory.high)
}

fn memory_bar(memory: &Memory, unicode: bool) -> Line {
    let (Some(current), Some(most)) = (memory.current, ceiling(memory)) else {
        return Line::new();
    };
    let style = colour(match u128::from(current) * 100 / u128::from(most.max(1)) {
        0..75 => AnsiColor::Green,
        75..90 => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    });
    Line::new().and(style, text::bar(current, most, BAR, unicode))
}

fn memory_figures(memory: &Memory) -> String {
    match (memory.current.map(text::size), ceiling(memory)) {
        (None, _) => String::new(),
        (Some(current), None) => current,
        (Some(current), Some(most)) => {
            let most = text::size(most);
            let unit = most.rsplit(' ').next().unwrap_or_default();
            let current = current
                .strip_suffix(unit)
                .map_or(current.as_str(), str::trim_end);
            format!("{current} / {most}")
        }
    }
}

fn cpu(
    name: &ServiceName,
    service: &ServiceStatus,
    now: SystemTime,
    earlier: Option<&Sample>,
) -> Option<String> {
    let used = service.cpu.usage_usec?;
    let Some(earlier) = earlier else {
        return Some(text::length(Duration::from_micros(used)));
    };
    let passed = now.duration_since(earlier.at).ok()?.as_micros();
    // After a restart a service counts from zero again.
    let more = used.checked_sub(*earlier.used.get(name)?)?;
    let share = (u128::from(more) * 100).checked_div(passed)?;
    Some(format!("{share} %"))
}

/// Messages about the configuration, whatever the states of the services are.
pub(super) fn notes(status: &GatewayStatus) -> Vec<Line> {
    let note = |head: &str, rest: String| {
        Line::new()
            .and(colour(AnsiColor::Yellow), head)
            .plain(format!(" {rest}"))
    };
    let state = &status.configuration;
    let mut notes = Vec::new();
    if let Some(why) = &state.invalid {
        notes.push(note(
            "gateway.toml is not valid:",
            format!("{why}; 'ai-gateway config check' shows where"),
        ));
    }
    if let Some(why) = &state.refused
        && state.invalid.as_ref() != Some(why)
    {
        notes.push(note(
            "the last reload was refused:",
            format!("{why}; what ran before goes on"),
        ));
    }
    for skipped in &status.diet.skipped {
        let (service, measure) = (&skipped.service, &skipped.measure);
        notes.push(note(
            &format!("{service} skips diet.{measure}:"),
            skipped.reason.clone(),
        ));
    }
    if !state.differs.is_empty() {
        notes.push(note(
            "gateway.toml differs from what runs:",
            format!("{}; 'ai-gateway reload' applies it", keys(&state.differs)),
        ));
    }
    notes
}

/// The first few names of a list.
fn keys(keys: &[String]) -> String {
    const MOST: usize = 5;
    let shown = keys.iter().take(MOST).map(String::as_str);
    let shown: Vec<_> = shown.collect();
    match keys.len().saturating_sub(MOST) {
        0 => text::list(&shown),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Why services are not as they should be.
fn troubles(status: &GatewayStatus) -> Vec<Line> {
    let services = status.services.iter();
    let lines = services.flat_map(|(name, service)| {
        let line = |text| {
            Line::new()
                .and(style(service.state), name.as_str())
                .plain(text)
        };
        let down = !service.state.is_fine()
            && !matches!(service.state, StateName::Starting | StateName::Running);
        let state = down.then(|| line(format!(" is {}: {}", service.state, service.reason)));
        let outdated = service.outdated.as_ref();
        let outdated = outdated.map(|why| line(format!(" goes on with its old files: {why}")));
        [state, outdated].into_iter().flatten()
    });
    lines.collect()
}

/// The addresses at which people reach the gateway.
pub(super) fn urls(status: &GatewayStatus) -> Vec<Line> {
    let underlined = colour(AnsiColor::Cyan).underline();
    let known = services::named_urls(&services::ALL);
    let there = known.filter_map(|named| Some((named.title, status.urls.get(named.name)?)));
    there
        .map(|(title, url)| {
            Line::new()
                .and(DIM, format!("{title:<7}"))
                .and(underlined, url)
        })
        .collect()
}

#[cfg(test)]
mod tests;
