//! Where the time of a start went.
//!
//! The machine has the milestones of each service's newest start. A start of everything, the daemon's
//! own or a restart of all, is kept as it was when everything was ready: what is restarted later has
//! a start of its own, and the last start of everything stays what it was. Until then it is told as
//! far as it has come.

use std::{collections::BTreeMap, path::Path, time::Duration};

use supervise::{
    event::Time,
    machine::{self, Machine},
    milestones::Milestones,
    spec::{ServiceName, ServiceSpec},
};

use super::clock::Clock;
use crate::{
    control::types::{Blame, Start},
    fs::regular,
    services::diet,
};

/// The last start of everything.
#[derive(Debug)]
pub(super) struct Starts {
    asked: Time,
    /// As it went, once everything was ready.
    kept: Option<Vec<Part>>,
}

/// One service's part.
#[derive(Debug, Clone)]
struct Part {
    start: machine::Start,
    own: Option<Own>,
}

/// What a service says itself of its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Own {
    imported: Time,
    started: Time,
}

impl Starts {
    /// Everything is asked to start now.
    pub(super) const fn begin(now: Time) -> Self {
        Self {
            asked: now,
            kept: None,
        }
    }

    /// Everything is ready: keeps how that came about, unless something is kept already.
    pub(super) fn keep(&mut self, machine: &Machine, clock: Clock) {
        if self.kept.is_none() {
            self.kept = Some(parts(machine, clock));
        }
    }

    /// How the last start of everything went, or the newest one of `service`.
    pub(super) fn blame(
        &self,
        machine: &Machine,
        clock: Clock,
        service: Option<&ServiceName>,
    ) -> Blame {
        let mut parts = match (service, &self.kept) {
            (None, Some(kept)) => kept.clone(),
            (None, None) | (Some(_), _) => parts(machine, clock),
        };
        match service {
            Some(service) => parts.retain(|part| part.start.instance.service == *service),
            None => parts.retain(|part| part.start.milestones.wanted >= Some(self.asked)),
        }
        told(&parts, machine, clock)
    }
}

fn parts(machine: &Machine, clock: Clock) -> Vec<Part> {
    let part = |start: machine::Start| {
        let spec = machine.spec(&start.instance.service);
        let own = spec.and_then(|spec| own(spec, &start.milestones, clock));
        Part { start, own }
    };
    machine.starts().map(part).collect()
}

fn told(parts: &[Part], machine: &Machine, clock: Clock) -> Blame {
    let now = clock.now();
    let wanted = parts.iter().filter_map(|part| part.start.milestones.wanted);
    let began = wanted.min().unwrap_or(now);
    let states: BTreeMap<_, _> = machine.states().collect();
    let services = parts.iter().map(|part| {
        let name = &part.start.instance.service;
        let state = states.get(name).copied().unwrap_or(part.start.state);
        (name.clone(), start(part, state, began))
    });
    Blame {
        began: clock.rfc3339(began),
        now_usec: micros(now.since(began)),
        services: services.collect(),
    }
}

fn start(part: &Part, state: supervise::effect::StateName, began: Time) -> Start {
    let since = |moment: Option<Time>| moment.map(|moment| micros(moment.since(began)));
    let machine::Start {
        requires,
        milestones,
        ..
    } = &part.start;
    Start {
        state,
        requires: requires.clone(),
        wanted_usec: since(milestones.wanted),
        waited_for: milestones.waited_for.clone(),
        launched_usec: since(milestones.launched),
        imported_usec: since(part.own.map(|own| own.imported)),
        started_usec: since(part.own.map(|own| own.started)),
        answered_usec: since(milestones.answered),
        ready_usec: since(milestones.ready),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What the service has left in its folder, if that is of this start.
fn own(spec: &ServiceSpec, milestones: &Milestones, clock: Clock) -> Option<Own> {
    let (imported, started) = left(&spec.command.cwd.join(diet::MOMENTS))?;
    let [imported, started] = clock.of_monotonic([imported, started]);
    let own = Own {
        imported: imported?,
        started: started?,
    };
    fitting(own, milestones)
}

fn left(file: &Path) -> Option<(Duration, Duration)> {
    let text = regular::text(file).ok()?;
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok().map(Duration::from_nanos);
    Some((next()?, next()?))
}

/// An earlier instance's, or a worker's that was later than the first, are not between launch and
/// answer: about those nothing is said.
fn fitting(own: Own, milestones: &Milestones) -> Option<Own> {
    let in_order = [milestones.launched?, own.imported, own.started].is_sorted()
        && milestones
            .answered
            .is_none_or(|answered| own.started <= answered);
    in_order.then_some(own)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn at(seconds: u64) -> Time {
        Time(Duration::from_secs(seconds))
    }

    fn fits(imported: u64, started: u64, answered: Option<u64>) -> bool {
        let own = Own {
            imported: at(imported),
            started: at(started),
        };
        let milestones = Milestones {
            launched: Some(at(10)),
            answered: answered.map(at),
            ..Milestones::default()
        };
        fitting(own, &milestones) == Some(own)
    }

    #[test]
    fn only_what_is_between_launch_and_answer_is_of_this_start() {
        assert!(fits(12, 15, Some(16)));
        assert!(fits(10, 10, None));
        assert!(!fits(5, 8, None), "an earlier instance's");
        assert!(!fits(12, 17, Some(16)), "another worker's");
        assert!(!fits(15, 12, None), "nobody's");
    }

    #[test]
    fn what_is_left_is_two_numbers_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(diet::MOMENTS);
        assert_eq!(left(&file), None);
        for (text, found) in [
            ("1500000000 2000000000\n", Some((1500, 2000))),
            ("1500000000", None),
            ("soon later", None),
        ] {
            fs::write(&file, text).unwrap();
            let found = found.map(|(a, b)| (Duration::from_millis(a), Duration::from_millis(b)));
            assert_eq!(left(&file), found, "{text}");
        }
    }
}
