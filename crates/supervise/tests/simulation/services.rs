//! Random services: with or without probes, limits, requirements and stop steps.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use supervise::{
    recycle::RecyclePolicy,
    spec::{
        Command, Limits, Liveness, Probe, Reload, ReloadAction, RestartMode, RestartPolicy,
        Schedule, ServiceKind, ServiceName, ServiceSpec, Startup, StopStep, Task,
    },
};

use crate::dice::roll;

/// The memory of every service that has a limit.
pub(crate) const LIMIT: u64 = 100_000_000;

pub(crate) fn specs(dice: &mut u64) -> Vec<ServiceSpec> {
    let count = 1 + roll(dice, 6);
    (0..count).map(|n| spec(n, dice)).collect()
}

/// Of twelve services two are tasks, one is external, and the others are daemons.
fn kind(dice: &mut u64) -> ServiceKind {
    let second = Duration::from_secs(1);
    match roll(dice, 12) {
        0 | 1 => ServiceKind::Task(Task {
            deadline: second * 20,
            schedule: match roll(dice, 4) {
                0 => Some(Schedule::Every(second * 30)),
                1 => Some(Schedule::Daily { minute: 180 }),
                _ => None,
            },
        }),
        2 => ServiceKind::External,
        _ => ServiceKind::Daemon,
    }
}

/// The file of a service, if it has one.
const FILE: &str = "/etc/service.conf";

/// The mark of that file's contents.
pub(crate) fn mark(spec: &ServiceSpec) -> Option<String> {
    spec.files.get(Path::new(FILE)).cloned()
}

/// Changes one field, as people change a configuration.
pub(crate) fn change_one_field(spec: &mut ServiceSpec, dice: &mut u64) {
    let second = Duration::from_secs(1);
    match roll(dice, 8) {
        0 => spec.command.args.push("-v".to_owned()),
        1 | 2 => {
            let mark = roll(dice, 1_000).to_string();
            spec.files.insert(FILE.into(), mark);
        }
        3 => spec.limits.memory_max = Some(LIMIT / (1 + roll(dice, 100))),
        4 => {
            spec.liveness = (roll(dice, 2) == 0 || spec.is_external()).then(|| Liveness {
                probe: Probe::Tcp("127.0.0.1:2".into()),
                every: second * 5,
                timeout: second,
                failures: 1,
                restart_after: Some(3),
                hung_after: None,
            });
        }
        5 => spec.startup.deadline = 30 * second,
        6 => spec.stop.truncate(1),
        _ => spec.recycle = None,
    }
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

fn probe() -> Probe {
    Probe::Tcp("127.0.0.1:1".into())
}

fn liveness(dice: &mut u64) -> Liveness {
    let second = Duration::from_secs(1);
    Liveness {
        probe: probe(),
        every: 10 * second,
        timeout: second,
        failures: 2,
        restart_after: (roll(dice, 2) == 0).then_some(4),
        hung_after: (roll(dice, 2) == 0).then_some(2),
    }
}

fn restart(dice: &mut u64) -> RestartPolicy {
    let second = Duration::from_secs(1);
    RestartPolicy {
        mode: match roll(dice, 5) {
            0 => RestartMode::Never,
            1 => RestartMode::OnFailure,
            _ => RestartMode::Always,
        },
        base: second,
        cap: 30 * second,
        burst: 4,
        stable: 60 * second,
    }
}

/// A stop with a command, a signal, both or neither.
fn stop(dice: &mut u64) -> Vec<StopStep> {
    let second = Duration::from_secs(1);
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
    stop
}

/// A random service that requires only services with smaller numbers, so that there is no cycle. The dice
/// are thrown in the order of the lines: another order would make another service of the same seed.
pub(crate) fn spec(n: u64, dice: &mut u64) -> ServiceSpec {
    let second = Duration::from_secs(1);
    let requires: BTreeSet<_> = (0..n).filter(|_| roll(dice, 3) == 0).map(name).collect();
    let kind = kind(dice);
    let external = kind == ServiceKind::External;
    let liveness = (roll(dice, 2) == 0 || external).then(|| liveness(dice));
    let stop = stop(dice);
    ServiceSpec {
        kind,
        files: (roll(dice, 2) == 0)
            .then(|| (FILE.into(), roll(dice, 1_000).to_string()))
            .into_iter()
            .collect(),
        requires,
        restart_with_requirements: roll(dice, 4) == 0,
        startup: Startup {
            deadline: 60 * second,
            readiness: (roll(dice, 4) != 0 || external).then(probe),
            listens: None,
            every: second / 2,
            timeout: second,
            post_start: (roll(dice, 4) == 0).then(command),
        },
        liveness,
        restart: restart(dice),
        success_exit: [3].into(),
        reload: (roll(dice, 2) == 0).then(|| Reload {
            check: (roll(dice, 2) == 0).then(command),
            action: ReloadAction::Signal(1),
            timeout: 5 * second,
        }),
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
        ..ServiceSpec::daemon(name(n), command())
    }
}
