//! Random services: each with or without probes, limits, requirements and steps of its stop.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use supervise::{
    recycle::RecyclePolicy,
    spec::{
        Command, Limits, Liveness, Probe, RestartMode, RestartPolicy, ServiceName, ServiceSpec,
        Startup, StopStep,
    },
};

use crate::dice::roll;

/// The memory of every service that has a limit.
pub(crate) const LIMIT: u64 = 100_000_000;

pub(crate) fn specs(dice: &mut u64) -> Vec<ServiceSpec> {
    let count = 1 + roll(dice, 6);
    (0..count).map(|n| spec(n, dice)).collect()
}

fn command() -> Command {
    Command {
        program: PathBuf::from("/bin/true"),
        args: Vec::new(),
        env: BTreeMap::new(),
        cwd: PathBuf::from("/"),
    }
}

pub(crate) fn name(n: u64) -> ServiceName {
    ServiceName::new(&format!("s{n}")).expect("it follows the grammar")
}

pub(crate) fn spec(n: u64, dice: &mut u64) -> ServiceSpec {
    let second = Duration::from_secs(1);
    let requires: BTreeSet<_> = (0..n).filter(|_| roll(dice, 3) == 0).map(name).collect();
    let probe = || Probe::Tcp("127.0.0.1:1".into());
    let liveness = (roll(dice, 2) == 0).then(|| Liveness {
        probe: probe(),
        every: 10 * second,
        timeout: second,
        failures: 2,
        restart_after: (roll(dice, 2) == 0).then_some(4),
        hung_after: (roll(dice, 2) == 0).then_some(2),
    });
    let mut stop = Vec::new();
    if roll(dice, 2) == 0 {
        stop.push(StopStep::Run {
            command: command(),
            timeout: 5 * second,
        });
    }
    if roll(dice, 4) != 0 {
        stop.push(StopStep::Signal {
            signal: 15,
            timeout: 10 * second,
        });
    }
    ServiceSpec {
        name: name(n),
        command: command(),
        listeners: Vec::new(),
        requires,
        restart_with_requirements: roll(dice, 4) == 0,
        startup: Startup {
            deadline: 60 * second,
            readiness: (roll(dice, 4) != 0).then(probe),
            listens: None,
            every: second / 2,
            timeout: second,
            post_start: (roll(dice, 4) == 0).then(command),
        },
        liveness,
        restart: RestartPolicy {
            mode: match roll(dice, 5) {
                0 => RestartMode::Never,
                1 => RestartMode::OnFailure,
                _ => RestartMode::Always,
            },
            base: second,
            cap: 30 * second,
            burst: 4,
            stable: 60 * second,
        },
        stop,
        limits: Limits {
            memory_max: (roll(dice, 4) != 0).then_some(LIMIT),
            ..Limits::default()
        },
        recycle: (roll(dice, 3) != 0).then(|| RecyclePolicy {
            every: second * if roll(dice, 2) == 0 { 1 } else { 12 },
            youngest: second * 2,
            at: (roll(dice, 2) == 0).then_some(4 * 60),
        }),
    }
}
