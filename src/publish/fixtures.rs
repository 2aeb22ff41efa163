//! Facts for tests.

use std::{path::PathBuf, time::Duration};

use supervise::{
    effect::{Reason, StateName},
    event::{Instance, Time},
    machine::UnitStatus,
    milestones::Milestones,
    spec::ServiceName,
};

use super::ServiceFacts;

pub(crate) fn name(of: &str) -> ServiceName {
    ServiceName::new(of).expect("the tests use good names")
}

/// A service that has been in this state since the first second, and of which nothing runs.
pub(crate) fn facts(of: &str, state: StateName) -> ServiceFacts {
    ServiceFacts {
        status: UnitStatus {
            instance: Instance {
                service: name(of),
                generation: 1,
            },
            state,
            since: Time(Duration::from_secs(1)),
            reason: Reason::Requested,
            restarts: 0,
            waits_for: Vec::new(),
            renewed: false,
            reloading: false,
            outdated: None,
            external: false,
            scheduled: false,
        },
        requires: Vec::new(),
        milestones: Milestones::default(),
        process: None,
        pid: None,
        listens: Vec::new(),
        cpu_milli: None,
        folder: PathBuf::from("/nowhere"),
    }
}
