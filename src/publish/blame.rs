//! Where the time of a start went. This is made from a snapshot and from what services say themselves.

use std::time::Duration;

use supervise::{effect::StateName, event::Time, milestones::Milestones, spec::ServiceName};

use super::{
    snapshot::{Now, ServiceSnapshot, Snapshot},
    status::Files,
};
use crate::control::types::{Blame, ServiceStart};

/// What a service itself says of its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// When its modules had been imported.
    pub imported: Time,
    /// When its application had started.
    pub started: Time,
}

/// How the last start of all services went, or the newest start of `service`.
pub fn blame(snapshot: &Snapshot, service: Option<&ServiceName>, now: Now, files: &Files) -> Blame {
    let starts = &snapshot.starts;
    let (parts, own) = match (service, &starts.kept) {
        (None, Some(parts)) => (&**parts, &files.kept),
        (None, None) | (Some(_), _) => (snapshot.services.as_slice(), &files.own),
    };
    let is_part = |part: &&ServiceSnapshot| match service {
        Some(service) => part.name() == service,
        None => part.now.milestones.wanted >= Some(starts.asked),
    };
    let parts: Vec<_> = parts.iter().map(|part| &**part).filter(is_part).collect();
    let wanted = parts.iter().filter_map(|part| part.now.milestones.wanted);
    let began = wanted.min().unwrap_or(now.time);
    let services = parts.iter().map(|part| {
        let name = part.name();
        let state = snapshot
            .service(name)
            .map_or(part.state(), ServiceSnapshot::state);
        let own = own.get(name).copied();
        (name.clone(), start(part, state, own, began))
    });
    Blame {
        began: now.rfc3339(began),
        now_usec: micros(now.time.since(began)),
        services: services.collect(),
    }
}

fn start(part: &ServiceSnapshot, state: StateName, own: Option<Own>, began: Time) -> ServiceStart {
    let milestones = &part.now.milestones;
    let since = |time: Option<Time>| time.map(|time| micros(time.since(began)));
    let own = own.filter(|own| is_of(*own, milestones));
    ServiceStart {
        state,
        requires: part.now.requires.clone(),
        wanted_usec: since(milestones.wanted),
        waited_for: milestones.waited_for.clone(),
        launched_usec: since(milestones.launched),
        imported_usec: since(own.map(|own| own.imported)),
        started_usec: since(own.map(|own| own.started)),
        answered_usec: since(milestones.answered),
        ready_usec: since(milestones.ready),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Whether a service has said this about the start that is shown. A value that is not between the launch and
/// the answer was left by an earlier instance, or comes from a worker that was later than the first, and is
/// not shown.
fn is_of(own: Own, milestones: &Milestones) -> bool {
    let Some(launched) = milestones.launched else {
        return false;
    };
    let in_time = |answered| own.started <= answered;
    [launched, own.imported, own.started].is_sorted() && milestones.answered.is_none_or(in_time)
}

#[cfg(test)]
mod tests {
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
        is_of(own, &milestones)
    }

    #[test]
    fn only_what_is_between_launch_and_answer_is_of_this_start() {
        assert!(fits(12, 15, Some(16)));
        assert!(fits(10, 10, None));
        assert!(!fits(5, 8, None), "an earlier instance's");
        assert!(!fits(12, 17, Some(16)), "another worker's");
        assert!(!fits(15, 12, None), "nobody's");
    }
}
