//! Specifications for this crate's own tests.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::spec::{
    Command, Liveness, Probe, Reload, ReloadAction, RestartMode, RestartPolicy, ServiceName,
    ServiceSpec, Startup, StopStep,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn name(text: &str) -> ServiceName {
    ServiceName::new(text).expect("the tests use good names")
}

pub(crate) fn command() -> Command {
    Command {
        program: PathBuf::from("/bin/true"),
        args: Vec::new(),
        env: BTreeMap::new(),
        cwd: PathBuf::from("/"),
    }
}

/// A reload by a signal.
pub(crate) fn reload() -> Reload {
    Reload {
        check: Some(command()),
        action: ReloadAction::Signal(1),
        timeout: 5 * SECOND,
    }
}

/// A service with a readiness probe, a liveness probe, one drain command and one signal.
pub(crate) fn service(of: &str, requires: &[&str]) -> ServiceSpec {
    let probe = || Probe::Tcp("127.0.0.1:1".into());
    ServiceSpec {
        requires: requires.iter().map(|r| name(r)).collect(),
        startup: Startup {
            deadline: 30 * SECOND,
            readiness: Some(probe()),
            listens: None,
            every: SECOND,
            timeout: SECOND,
            post_start: None,
        },
        liveness: Some(Liveness {
            probe: probe(),
            every: 10 * SECOND,
            timeout: SECOND,
            failures: 2,
            restart_after: None,
            hung_after: None,
        }),
        restart: RestartPolicy {
            mode: RestartMode::Always,
            base: SECOND,
            cap: 60 * SECOND,
            burst: 3,
            stable: 60 * SECOND,
        },
        stop: vec![
            StopStep::Run {
                command: command(),
                timeout: 5 * SECOND,
            },
            StopStep::Signal {
                signal: 15,
                timeout: 10 * SECOND,
            },
        ],
        ..ServiceSpec::daemon(name(of), command())
    }
}
