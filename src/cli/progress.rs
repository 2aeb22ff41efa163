//! What goes on while a person waits. Pure.

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
    /// How far it is, and for whom.
    pub(super) what: String,
    /// For how long the slowest of them.
    pub(super) longest: Duration,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, text::length(self.longest))
    }
}

/// How far the services are on their way up; none when nothing is on the way.
pub(super) fn rising(status: &GatewayStatus, now: SystemTime) -> Option<Waiting> {
    let ready = count(status, |state| state == StateName::Ready);
    let on_the_way = |state| {
        matches!(
            state,
            StateName::Waiting
                | StateName::Starting
                | StateName::BackingOff
                | StateName::Draining
                | StateName::Stopping
        )
    };
    let (names, longest) = waiting(status, now, on_the_way)?;
    let all = status.services.len();
    Some(Waiting {
        what: format!("{ready} of {all} ready: waiting for {names}"),
        longest,
    })
}

/// How far the services are on their way down.
pub(super) fn falling(status: &GatewayStatus, now: SystemTime) -> Option<Waiting> {
    let down = count(status, |state| {
        matches!(state, StateName::Stopped | StateName::Failed)
    });
    let on_the_way = |state| !matches!(state, StateName::Stopped | StateName::Failed);
    let (names, longest) = waiting(status, now, on_the_way)?;
    let all = status.services.len();
    Some(Waiting {
        what: format!("{down} of {all} stopped: waiting for {names}"),
        longest,
    })
}

/// How far one service is on its way down.
pub(super) fn falling_one(
    status: &GatewayStatus,
    service: &ServiceName,
    now: SystemTime,
) -> Option<Waiting> {
    let mut alone = status.clone();
    alone.services.retain(|name, _| name == service);
    falling(&alone, now).map(|waiting| Waiting {
        what: format!("waiting for {service}"),
        ..waiting
    })
}

fn count(status: &GatewayStatus, is: impl Fn(StateName) -> bool) -> usize {
    status.services.values().filter(|s| is(s.state)).count()
}

/// Those that do something come before those that wait for them.
fn waiting(
    status: &GatewayStatus,
    now: SystemTime,
    is: impl Fn(StateName) -> bool,
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
    let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
    let longest = named
        .iter()
        .filter_map(|(_, service)| text::since(&service.since, now))
        .max()
        .unwrap_or_default();
    Some((text::list(&names), longest))
}

#[cfg(test)]
mod tests;
