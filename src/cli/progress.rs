//! What a person is told during a wait. This is pure.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use supervise::{effect::StateName, spec::ServiceName};

use super::text;
use crate::control::types::GatewayStatus;

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    /// How far the gateway is, and what it waits for.
    pub(super) what: String,
    /// How long the slowest service has been at it.
    pub(super) longest: Duration,
}

/// A function that returns how many requests a service still answers before it ends, if that is known.
pub(super) type Requests<'a> = &'a dyn Fn(&ServiceName) -> Option<u64>;

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, text::length(self.longest))
    }
}

/// How far the services are with their start. `None` if none of them is starting.
pub(super) fn rising(
    status: &GatewayStatus,
    now: SystemTime,
    requests: Requests<'_>,
) -> Option<Waiting> {
    let ready = count(status, StateName::is_fine);
    let on_the_way = |state| {
        matches!(
            state,
            StateName::Waiting
                | StateName::Starting
                | StateName::Running
                | StateName::BackingOff
                | StateName::Draining
                | StateName::Stopping
        )
    };
    let (names, longest) = waiting(status, now, on_the_way, requests)?;
    let all = status.services.len();
    Some(Waiting {
        what: format!("{ready} of {all} ready: waiting for {names}"),
        longest,
    })
}

/// How far the services are with their stop.
pub(super) fn falling(
    status: &GatewayStatus,
    now: SystemTime,
    requests: Requests<'_>,
) -> Option<Waiting> {
    let down = count(status, |state| !is_not_down(state));
    let (names, longest) = waiting(status, now, is_not_down, requests)?;
    let all = status.services.len();
    Some(Waiting {
        what: format!("{down} of {all} stopped: waiting for {names}"),
        longest,
    })
}

/// How far one service is with its stop.
pub(super) fn falling_one(
    status: &GatewayStatus,
    service: &ServiceName,
    now: SystemTime,
    requests: Requests<'_>,
) -> Option<Waiting> {
    let mut alone = status.clone();
    alone.services.retain(|name, _| name == service);
    let (name, longest) = waiting(&alone, now, is_not_down, requests)?;
    Some(Waiting {
        what: format!("waiting for {name}"),
        longest,
    })
}

fn is_not_down(state: StateName) -> bool {
    !matches!(
        state,
        StateName::Stopped | StateName::Failed | StateName::Completed | StateName::Scheduled
    )
}

fn count(status: &GatewayStatus, is: impl Fn(StateName) -> bool) -> usize {
    status.services.values().filter(|s| is(s.state)).count()
}

/// Services that do something come before services that wait for them.
fn waiting(
    status: &GatewayStatus,
    now: SystemTime,
    is: impl Fn(StateName) -> bool,
    requests: Requests<'_>,
) -> Option<(String, Duration)> {
    let busy: Vec<_> = status
        .services
        .iter()
        .filter(|(_, service)| is(service.state))
        .collect();
    let working: Vec<_> = busy
        .iter()
        .filter(|(_, service)| service.state != StateName::Waiting)
        .collect();
    let named = if working.is_empty() {
        busy.iter().collect()
    } else {
        working
    };
    if named.is_empty() {
        return None;
    }
    let names = named.iter().map(|(name, service)| match service.state {
        StateName::Draining => match requests(name) {
            Some(1) => format!("1 request of {name}"),
            Some(count) => format!("{count} requests of {name}"),
            None => format!("requests of {name}"),
        },
        // A service may get its signal first and finish its requests after it.
        StateName::Stopping => match requests(name) {
            Some(1) => format!("1 request of {name}"),
            Some(count) if count > 0 => format!("{count} requests of {name}"),
            Some(_) | None => name.to_string(),
        },
        _ => name.to_string(),
    });
    let names: Vec<String> = names.collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let longest = named
        .iter()
        .filter_map(|(_, service)| text::since(&service.since, now))
        .max()
        .unwrap_or_default();
    Some((text::list(&names), longest))
}

#[cfg(test)]
mod tests;
