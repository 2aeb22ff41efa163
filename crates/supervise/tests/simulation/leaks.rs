//! Days of services that leak, or that only look as if they did. Nothing else goes wrong here: what is
//! checked is which services the machine restarts for their memory, and when.
//!
//! Each service uses its memory in one way ([`Memory`]), and the promise depends on that:
//!
//! - A service that leaks is never killed by the kernel, if one instance lasts for eight times the youngest
//!   age. A service that leaks faster is killed once at most.
//! - A service that does not leak is never restarted, however much it uses and however that changes during
//!   the day, if it stays a little below its limit.
//! - A service that fills up once and then stays is left alone after a few restarts, none of which disturbs
//!   anybody.
//! - A service that has an hour set and is busy by day is restarted in that hour, if an instance lasts
//!   until then.
//! - Two services of which one requires the other are never away at the same time.

mod memory;
mod spec;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic,
    time::Duration,
};

use supervise::{
    effect::{Change, Effect, Reason, StateName},
    event::{Event, Exit, Instance, Phase, Request, Target, Time, Verdict},
    machine::Machine,
    recycle::{Chance, Leak, Usage},
    spec::ServiceName,
};

use self::{memory::Memory, spec::spec};
use crate::{Outcome, dice::roll, story::Story};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const YOUNGEST: Duration = Duration::from_secs(20 * 60);
const LIMIT: u64 = 400_000_000;
/// A thousandth of the limit.
const MILLI: u64 = LIMIT / 1000;

/// One service and what happened to it.
#[derive(Debug)]
struct Service {
    memory: Memory,
    /// In thousandths of the limit, up or down.
    noise: u64,
    always_busy: bool,
    running: Option<Running>,
    kills: u32,
    restarts: Vec<(Time, Leak)>,
}

impl Service {
    /// When the kernel kills it.
    fn full_at(&self) -> Option<Time> {
        Some(self.running.as_ref()?.since.after(self.memory.lasts()?))
    }
}

#[derive(Debug)]
struct Running {
    instance: Instance,
    since: Time,
    cpu: Duration,
    measured: Time,
}

struct Town {
    machine: Machine,
    now: Time,
    services: BTreeMap<ServiceName, Service>,
    agenda: BTreeMap<(Time, u64), Event>,
    count: u64,
    dice: u64,
    /// The services that are away for a leak.
    away: BTreeSet<ServiceName>,
    /// The story to which each step is written.
    story: Option<Story>,
}

/// Simulates three days. If a promise is broken and there is no story, it prints how each service fared.
pub(crate) fn live(seed: u64, story: Option<Story>) -> (Outcome, Option<Story>) {
    let mut town = Town::new(seed);
    town.story = story;
    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        town.live(HOUR * 24 * 3);
        town.check();
    }));
    if outcome.is_err() && town.story.is_none() {
        for (name, service) in &town.services {
            eprintln!("{name}: {:?}", service.memory);
            eprintln!("  noise {}, killed {}", service.noise, service.kills);
            for (at, leak) in &service.restarts {
                eprintln!("  {:>8.2} h: {leak}", at.0.as_secs_f64() / 3600.0);
            }
        }
    }
    (outcome, town.story)
}

impl Town {
    fn new(seed: u64) -> Self {
        let mut dice = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let count = 1 + roll(&mut dice, 3);
        let specs: Vec<_> = (0..count).map(|n| spec(n, &mut dice)).collect();
        let services = specs.iter().map(|spec| {
            let service = Service {
                memory: Memory::of(&mut dice),
                noise: roll(&mut dice, 15),
                always_busy: roll(&mut dice, 3) == 0,
                running: None,
                kills: 0,
                restarts: Vec::new(),
            };
            (spec.name.clone(), service)
        });
        let services = services.collect();
        Self {
            machine: Machine::new(specs, seed).expect("requirements point backwards only"),
            now: Time::default(),
            services,
            agenda: BTreeMap::new(),
            count: 0,
            dice,
            away: BTreeSet::new(),
            story: None,
        }
    }

    fn live(&mut self, long: Duration) {
        self.tell(Event::Request(Request::Start(Target::All)));
        let end = self.now.after(long);
        while self.now < end {
            let next = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let due = self.machine.next_deadline();
            let full = self.services.values().filter_map(Service::full_at).min();
            let first = [next, due, full].into_iter().flatten().min();
            self.now = first
                .expect("there is always a probe to come")
                .max(self.now);
            if full.is_some_and(|full| full <= self.now) {
                self.kernel();
            } else if next.is_some_and(|at| at <= self.now) {
                let (_, event) = self.agenda.pop_first().expect("it was looked at");
                self.tell(event);
            } else if due.is_some_and(|due| due <= self.now) {
                self.tell(Event::Deadline);
            }
        }
    }

    fn later(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.agenda
            .insert((self.now.after(after), self.count), event);
    }

    fn tell(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            if let Some(story) = &mut self.story {
                let told = serde_json::to_string(&event).expect("it is plain data");
                story.begin(self.now, &told);
            }
            let effects = self.machine.handle(event, self.now);
            if let Some(story) = &mut self.story {
                story.came(&effects, &self.machine);
            }
            for effect in effects {
                events.extend(self.carry_out(effect));
            }
        }
    }

    /// Kills the services that are over the limit.
    fn kernel(&mut self) {
        let mut killed = Vec::new();
        for service in self.services.values_mut() {
            if service.full_at().is_some_and(|full| full <= self.now)
                && let Some(running) = service.running.take()
            {
                service.kills += 1;
                killed.push(running.instance);
            }
        }
        for instance in killed {
            self.tell(Event::Exited {
                instance,
                exit: Exit::OutOfMemory,
            });
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Launch(instance) => {
                let service = self.services.get_mut(&instance.service)?;
                service.running = Some(Running {
                    instance: instance.clone(),
                    since: self.now,
                    cpu: Duration::ZERO,
                    measured: self.now,
                });
                Some(Event::Launched(instance))
            }
            Effect::Probe { instance, phase } => {
                let takes = match phase {
                    Phase::Readiness => SECOND * 20,
                    Phase::Liveness => SECOND / 10,
                };
                let verdict = Verdict::Pass;
                self.later(
                    takes,
                    Event::Probed {
                        instance,
                        phase,
                        verdict,
                    },
                );
                None
            }
            Effect::Measure(instance) => Some(self.measure(instance)),
            Effect::StopStep { instance, step: 0 } => {
                self.later(SECOND * 15, Event::StopStepDone { instance, step: 0 });
                None
            }
            Effect::StopStep { instance, .. } => {
                let service = self.services.get_mut(&instance.service)?;
                service.running.take().map(|_| Event::Exited {
                    instance,
                    exit: Exit::Clean,
                })
            }
            Effect::KillAll(instance) => Some(Event::Emptied(instance)),
            Effect::Changed(change) => {
                self.changed(change);
                None
            }
            Effect::PostStart(_)
            | Effect::Schedule(_)
            | Effect::CheckFiles(_)
            | Effect::Told(..)
            | Effect::Reload(_)
            | Effect::Limit(_)
            | Effect::ShutdownComplete => None,
        }
    }

    fn measure(&mut self, instance: Instance) -> Event {
        let now = self.now;
        let minute = u16::try_from(now.0.as_secs() / 60 % (24 * 60)).expect("less than a day");
        let at_night = !(7 * 60..23 * 60).contains(&minute);
        let dice = &mut self.dice;
        let service = self.services.get_mut(&instance.service).expect("it is one");
        let noise = roll(dice, 2 * service.noise + 1) * MILLI;
        // By day there is always work, and now and then at night.
        let busy = service.always_busy || !at_night || roll(dice, 10) == 0;
        let usage = service.running.as_mut().map(|running| {
            let time = now.since(running.measured);
            running.cpu += if busy { time / 5 } else { time / 200 };
            running.measured = now;
            let held = service.memory.held(now.since(running.since), now) + noise;
            Usage {
                held: held.saturating_sub(service.noise * MILLI).min(LIMIT),
                cpu: running.cpu,
                ..Usage::default()
            }
        });
        Event::Measured {
            instance,
            usage,
            minute,
        }
    }

    fn changed(&mut self, change: Change) {
        let name = change.instance.service;
        match (change.from, change.to, change.reason) {
            (StateName::Ready, _, Reason::Leaks(leak)) => {
                for other in &self.away {
                    assert!(
                        leak.chance == Chance::Last && !related(&self.machine, &name, other),
                        "{name} and {other} are away at the same time"
                    );
                }
                let service = self.services.get_mut(&name).expect("it is one");
                service.restarts.push((self.now, leak));
                self.away.insert(name);
            }
            (_, StateName::Ready | StateName::BackingOff, _) => {
                self.away.remove(&name);
            }
            _ => {}
        }
    }

    fn check(&self) {
        for (name, service) in &self.services {
            let restarts = service.restarts.len();
            match service.memory {
                Memory::Steady { .. } => assert_eq!(restarts, 0, "{name} does not leak"),
                Memory::Fills { .. } => {
                    assert!(restarts <= 8, "{name} was restarted {restarts} times");
                    let disturbs = |(_, leak): &(Time, Leak)| leak.chance == Chance::Last;
                    assert!(
                        !service.restarts.iter().any(disturbs),
                        "{name} was restarted while it worked"
                    );
                }
                Memory::Leaks { .. } | Memory::Steps { .. } => self.check_leak(name, service),
            }
        }
    }

    fn check_leak(&self, name: &ServiceName, service: &Service) {
        let lasts = service.memory.lasts().expect("it leaks");
        let slow = lasts >= YOUNGEST * 9;
        assert!(
            service.kills <= u32::from(!slow),
            "{name} was killed {} times",
            service.kills
        );
        let policy = self
            .machine
            .spec(name)
            .and_then(|spec| spec.recycle.as_ref());
        let at = policy.expect("all are watched").at;
        for (when, leak) in &service.restarts {
            let hour = when.0.as_secs() / 3600 % 24;
            match leak.chance {
                Chance::Idle => assert!(!service.always_busy, "{name} was never idle"),
                Chance::Hour => assert!(at.is_some() && hour == 4, "{name} at {hour}"),
                // An instance that lasts for more than a day meets the hour that is set.
                Chance::Last => assert!(
                    at.is_none() || lasts < HOUR * 30,
                    "{name} was restarted at the last moment"
                ),
            }
        }
        assert!(
            !service.restarts.is_empty() || lasts > HOUR * 24,
            "{name} was never restarted"
        );
    }
}

fn related(machine: &Machine, one: &ServiceName, other: &ServiceName) -> bool {
    let needs = |a: &ServiceName, b| {
        machine
            .spec(a)
            .is_some_and(|spec| spec.requires.contains(b))
    };
    needs(one, other) || needs(other, one)
}
