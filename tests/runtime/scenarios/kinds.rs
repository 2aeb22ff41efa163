//! Tasks, and what somebody else runs.

use std::{path::Path, time::Duration};

use supervise::spec::{Liveness, Probe, Schedule, ServiceKind, ServiceSpec, Startup, Task};

use super::{ready_by, service, sockets::own_address};
use crate::gateway::name;

/// A task that says once more that it has run and ends with a code that is no failure once there is a file,
/// and a service that waits for it.
pub(super) fn task(home: &Path) -> Vec<ServiceSpec> {
    let (flag, ran) = (home.join("go").display().to_string(), home.join("ran"));
    let script = format!(
        "while ! test -e {flag}; do sleep 0.01; done; echo run >>{}; exit 3",
        ran.display()
    );
    let make = ServiceSpec {
        kind: ServiceKind::Task(Task {
            deadline: Duration::from_secs(60),
            schedule: None,
        }),
        success_exit: [3].into(),
        ..service(home, "make", &script)
    };
    let after = ServiceSpec {
        requires: [name("make")].into(),
        ..service(home, "after", "exec sleep 1000")
    };
    vec![make, after]
}

/// A task that runs again and again, each time until there is a file, and a service beside it.
pub(super) fn again_and_again(home: &Path) -> Vec<ServiceSpec> {
    let [task, beside] = task(home).try_into().expect("there are two");
    let scheduled = ServiceSpec {
        kind: ServiceKind::Task(Task {
            deadline: Duration::from_secs(60),
            schedule: Some(Schedule::Every(Duration::from_millis(50))),
        }),
        ..task
    };
    let beside = ServiceSpec {
        requires: [].into(),
        ..beside
    };
    vec![scheduled, beside]
}

/// What somebody else runs, a task that is done, and a service that needs neither.
pub(super) fn every_kind(home: &Path, deadline: Duration) -> Vec<ServiceSpec> {
    let [external, _] = elsewhere(home).try_into().expect("there are two");
    let [task, _] = task(home).try_into().expect("there are two");
    let kind = ServiceKind::Task(Task {
        deadline,
        schedule: None,
    });
    let task = ServiceSpec { kind, ..task };
    vec![external, task, service(home, "beside", "exec sleep 1000")]
}

/// A service that somebody else runs, and one that waits for it.
pub(super) fn elsewhere(home: &Path) -> Vec<ServiceSpec> {
    let probe = Probe::Tcp(own_address());
    let there = ServiceSpec {
        kind: ServiceKind::External,
        startup: Startup {
            deadline: Duration::from_millis(300),
            ..ready_by(probe.clone())
        },
        liveness: Some(Liveness {
            probe,
            every: Duration::from_millis(10),
            timeout: Duration::from_secs(10),
            failures: 2,
            restart_after: None,
            hung_after: None,
        }),
        ..service(home, "there", "")
    };
    let here = ServiceSpec {
        requires: [name("there")].into(),
        ..service(home, "here", "exec sleep 1000")
    };
    vec![there, here]
}
