//! Making a machine that continues where an earlier one ended.
//!
//! The runtime writes down [`Machine::save`] after each event and before it carries out the effects. If
//! it dies then, whatever it had begun may be done, half done or not begun. So a machine that is made
//! from what was saved asks for all of it again, and the runtime answers for what is there already:
//!
//! | was under way | is asked for again | if it is done already |
//! |---|---|---|
//! | a launch | `Launch` | the instance runs: `Launched`, and no second process |
//! | a probe, a measurement | `Probe`, `Measure` | it is asked twice |
//! | the post-start command | `PostStart` | it runs twice, which it allows |
//! | a reload | `CheckFiles`, `Reload` | the service reads the same files twice |
//! | a step of a stop | `StopStep` | a signal comes twice, a command runs twice |
//! | killing what is left | `KillAll` | nothing is left: `Emptied` |
//! | new limits | `Limit` | they are written twice |
//!
//! If a main process has ended meanwhile, the runtime sends `Exited` as always. If it cannot know how the
//! process ended, it says [`Exit::Unknown`](crate::event::Exit::Unknown).
//!
//! Specifications are not saved, because there are secrets in them. Whoever resumes has them from the
//! configuration. A fingerprint tells whether an instance was launched from another one: then it restarts,
//! even where a reload could have done with less, since what it was launched from is not known any more.
//! It is made with a key that whoever saves keeps apart, so that nobody can try out secrets by it
//! (`fingerprint`); with another key every service would restart. [`Time`] has to mean the same to both: the runtime counts
//! by a clock that all processes of one boot share (`CLOCK_BOOTTIME`), and saves nothing for the next
//! boot.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    effect::{Effect, Reason},
    event::{Exit, Phase, Time},
    machine::{
        Checked, Machine, Shutdown, Touched,
        fingerprint::{Fingerprint, FingerprintKey},
        rng::Rng,
        unit::{After, HandlerContext, StartStep, State, Unit, Wanted},
    },
    spec::{
        Command, RestartMode, RestartPolicy, ServiceKind, ServiceName, ServiceSpec, Startup,
        StopStep, TERMINATE,
    },
};

/// The version of the form of [`Saved`]. A form that an older program would read wrongly gets the next
/// number.
const VERSION: u32 = 2;

const PATIENCE: Duration = Duration::from_secs(30);

/// What a machine knows, except for the specifications.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Saved {
    version: u32,
    shutdown: Shutdown,
    rng: Rng,
    forgotten: BTreeMap<ServiceName, u64>,
    units: BTreeMap<ServiceName, SavedUnit>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SavedUnit {
    /// The fingerprint of the specification that it was made from.
    of: Fingerprint,
    /// Whether the service was an external one.
    external: bool,
    unit: Unit,
}

/// Why a machine cannot go on from what was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// Another program has written it.
    #[error("the saved state has the form {found}, and this program reads the form {VERSION}")]
    Version {
        /// The form that it has.
        found: u32,
    },
}

impl Machine {
    /// What has to be saved to continue from here. It holds no secret, and nothing from which a secret
    /// could be guessed without the key.
    pub fn save(&self, key: &FingerprintKey) -> Saved {
        let units = self.units.iter().map(|(name, unit)| {
            let saved = SavedUnit {
                of: Fingerprint::of(&unit.spec, key),
                external: unit.spec.is_external(),
                unit: unit.clone(),
            };
            (name.clone(), saved)
        });
        Saved {
            version: VERSION,
            shutdown: self.shutdown,
            rng: self.rng.clone(),
            forgotten: self.forgotten.clone(),
            units: units.collect(),
        }
    }

    /// Makes the machine that was saved with this key, with the current specifications, and returns the
    /// effects that it asks for.
    ///
    /// A service that is only in the specifications is started, unless everything is going down. A service
    /// that is no longer in them is stopped by SIGTERM.
    ///
    /// # Errors
    /// What was saved has another version.
    pub fn resume(
        saved: Saved,
        specs: Checked,
        key: &FingerprintKey,
        now: Time,
    ) -> Result<(Self, Vec<Effect>), ResumeError> {
        if saved.version != VERSION {
            return Err(ResumeError::Version {
                found: saved.version,
            });
        }
        let mut machine = Self {
            graph: specs.graph,
            units: BTreeMap::new(),
            forgotten: saved.forgotten,
            rng: saved.rng,
            shutdown: saved.shutdown,
            news: Touched::new(),
        };
        let mut effects = Vec::new();
        let mut left = saved.units;
        for spec in specs.specs {
            let name = spec.name.clone();
            let unit = match left.remove(&name) {
                Some(saved) => saved.with(spec, key, machine.shutdown),
                None => machine.newcomer(spec, now),
            };
            machine.units.insert(name, unit);
        }
        for (name, saved) in left {
            machine.units.insert(name.clone(), saved.retired(name));
        }
        for unit in machine.units.values_mut() {
            unit.ask_again(&mut HandlerContext {
                now,
                rng: &mut machine.rng,
                effects: &mut effects,
            });
        }
        if machine.shutdown == Shutdown::Complete {
            effects.push(Effect::ShutdownComplete);
        }
        let touched: Touched = machine.units.keys().cloned().collect();
        machine.settle(touched, now, &mut effects);
        Ok((machine, effects))
    }

    fn newcomer(&mut self, spec: ServiceSpec, now: Time) -> Unit {
        let generation = self.forgotten.remove(&spec.name).unwrap_or(0);
        let wanted = match self.shutdown {
            Shutdown::No => Wanted::Up,
            Shutdown::Asked | Shutdown::Complete => Wanted::Down,
        };
        Unit {
            since: now,
            generation,
            wanted,
            ..Unit::new(spec)
        }
    }
}

impl SavedUnit {
    /// The saved unit with its current specification.
    fn with(self, spec: ServiceSpec, key: &FingerprintKey, shutdown: Shutdown) -> Unit {
        let Self {
            of,
            external,
            mut unit,
        } = self;
        let other = Fingerprint::of(&spec, key) != of;
        // Only the kind of the service tells whether there is a process to end.
        unit.spec = if other && external != spec.is_external() {
            bare(spec.name.clone(), external)
        } else {
            spec.clone()
        };
        if other && unit.is_under_way() {
            unit.next_spec = Some(Box::new(spec));
        } else {
            unit.spec = spec;
        }
        // It was to be forgotten, and is in the configuration again.
        if std::mem::replace(&mut unit.retired, false) && shutdown == Shutdown::No {
            unit.wanted = Wanted::Up;
        }
        unit
    }

    /// The saved unit of a service that is not in the configuration any more: it goes down and is
    /// forgotten.
    fn retired(self, name: ServiceName) -> Unit {
        let mut unit = self.unit;
        unit.spec = bare(name, self.external);
        unit.retired = true;
        unit.wanted = Wanted::Down;
        unit
    }
}

impl Unit {
    /// Returns the effects that were under way and may have been lost.
    fn ask_again(&mut self, cx: &mut HandlerContext<'_>) {
        let instance = self.instance();
        match &mut self.state {
            State::Starting { step, .. } => match step {
                StartStep::Launching if self.next_spec.is_some() => return self.begin_anew(cx),
                StartStep::Launching => return cx.effects.push(Effect::Launch(instance)),
                StartStep::Probing => {
                    let (instance, phase) = (instance.clone(), Phase::Readiness);
                    cx.effects.push(Effect::Probe { instance, phase });
                }
                StartStep::Pausing { .. } | StartStep::Running => {}
                StartStep::PostStarting => cx.effects.push(Effect::PostStart(instance.clone())),
            },
            State::Up(up) => {
                // A probe that is overdue is sent at once.
                let probed = self.spec.liveness.is_some();
                up.next_probe = probed.then(|| up.next_probe.unwrap_or(cx.now));
                let measured = self.watch.is_some();
                up.next_measurement = measured.then(|| up.next_measurement.unwrap_or(cx.now));
                self.reload_again(cx);
            }
            State::Stopping { step, .. } => {
                // The specification may have changed meanwhile and have fewer steps.
                if *step < self.spec.stop.len() {
                    let (instance, step) = (instance.clone(), *step);
                    cx.effects.push(Effect::StopStep { instance, step });
                }
            }
            State::Clearing { .. } => cx.effects.push(Effect::KillAll(instance.clone())),
            State::Resting { .. } | State::Failed => {
                if self.due.is_none() {
                    self.ask_when(cx);
                }
                return;
            }
            State::Stopped | State::Waiting | State::BackingOff { .. } => return,
        }
        let runs = matches!(self.state, State::Starting { .. } | State::Up(_));
        if runs && self.may_have_process() {
            cx.effects.push(Effect::Limit(instance));
        }
    }
}

impl Unit {
    /// Ends whatever may run of an instance of which nobody knows whether it was launched, and whose
    /// specification is gone.
    fn begin_anew(&mut self, cx: &mut HandlerContext<'_>) {
        if self.wanted == Wanted::Up {
            self.wanted = Wanted::Bounce;
        }
        self.clear(Some(Exit::Unknown), After::Stop, Reason::Requested, cx);
    }
}

/// A placeholder for the specification of a saved unit, until it gets its own.
fn bare(name: ServiceName, external: bool) -> ServiceSpec {
    let kind = if external {
        ServiceKind::External
    } else {
        ServiceKind::Daemon
    };
    ServiceSpec {
        name,
        kind,
        ..unknown()
    }
}

/// A specification that only says how to end the service.
pub(super) fn unknown() -> ServiceSpec {
    let never = Duration::ZERO;
    let name = ServiceName::new("unknown").expect("it follows the grammar");
    let command = Command {
        program: PathBuf::new(),
        args: Vec::new(),
        env: BTreeMap::new(),
        cwd: PathBuf::new(),
    };
    ServiceSpec {
        startup: Startup {
            deadline: PATIENCE,
            readiness: None,
            listens: None,
            every: PATIENCE,
            timeout: PATIENCE,
            post_start: None,
        },
        restart: RestartPolicy {
            mode: RestartMode::Never,
            base: never,
            cap: never,
            burst: 0,
            stable: never,
        },
        stop: vec![StopStep::Signal {
            signal: TERMINATE,
            timeout: PATIENCE,
        }],
        ..ServiceSpec::daemon(name, command)
    }
}

#[cfg(test)]
mod tests;
