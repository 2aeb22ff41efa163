//! The specification of a service in these simulations.

use std::{collections::BTreeMap, path::PathBuf};

use supervise::{
    recycle::RecyclePolicy,
    spec::{
        Command, Limits, Liveness, Probe, RestartMode, RestartPolicy, ServiceName, ServiceSpec,
        Startup, StopStep,
    },
};

use super::{LIMIT, MINUTE, SECOND, YOUNGEST};
use crate::dice::roll;

const FOUR: u16 = 4 * 60;

pub(super) fn spec(n: u64, dice: &mut u64) -> ServiceSpec {
    let name = |n| ServiceName::new(&format!("s{n}")).expect("it follows the grammar");
    let probe = || Probe::Tcp("127.0.0.1:1".into());
    let command = || Command {
        program: PathBuf::from("/bin/true"),
        args: Vec::new(),
        env: BTreeMap::new(),
        cwd: PathBuf::from("/"),
    };
    ServiceSpec {
        requires: (0..n).filter(|_| roll(dice, 2) == 0).map(name).collect(),
        startup: Startup {
            deadline: MINUTE,
            readiness: Some(probe()),
            listens: None,
            every: SECOND,
            timeout: SECOND * 30,
            post_start: None,
        },
        liveness: (roll(dice, 2) == 0).then(|| Liveness {
            probe: probe(),
            every: SECOND * 45,
            timeout: SECOND,
            failures: 2,
            restart_after: None,
            hung_after: None,
        }),
        restart: RestartPolicy {
            mode: RestartMode::Always,
            base: SECOND,
            cap: MINUTE,
            burst: 10,
            stable: MINUTE * 2,
        },
        stop: vec![
            StopStep::Run {
                command: command(),
                timeout: SECOND * 35,
            },
            StopStep::Signal {
                signal: 15,
                timeout: SECOND * 45,
            },
        ],
        limits: Limits {
            memory_max: Some(LIMIT),
            ..Limits::default()
        },
        recycle: Some(RecyclePolicy {
            every: MINUTE,
            youngest: YOUNGEST,
            at: (roll(dice, 2) == 0).then_some(FOUR),
        }),
        ..ServiceSpec::daemon(name(n), command())
    }
}
