//! A world of services, processes and people around one machine. It has no clock: the dice decide whether
//! time moves to the next deadline or only a little.

mod chaos;
mod death;
mod processes;

use std::collections::{BTreeMap, BTreeSet};

use supervise::{
    effect::{Change, Effect, StateName},
    event::{Event, Exit, Instance, Phase, Request, Target, Time},
    machine::{Checked, Machine, Uptake},
    recycle::Usage,
    spec::{Limits, ServiceName, ServiceSpec},
};

use crate::{dice::roll, invariants, picture::Picture, services::specs, story::Story};

/// The processes of one instance.
#[derive(Debug, Clone, Default)]
pub(crate) struct Processes {
    /// The main process runs.
    pub(crate) main: bool,
    /// Other processes of it run.
    pub(crate) others: u32,
    /// What it has used so far.
    pub(crate) used: Usage,
    /// What it required when it was launched.
    pub(crate) requires: BTreeSet<ServiceName>,
    /// The mark of the files that it has read last.
    pub(crate) files: Option<String>,
    /// The limits that are in force for it.
    pub(crate) limits: Limits,
}

/// An event that the machine will be told, unless the world changes before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pending {
    Launch(Instance),
    Probe(Instance, Phase),
    Measure(Instance),
    PostStart(Instance),
    CheckFiles(Instance),
    Reload(Instance),
    Limit(Instance),
    Schedule(Instance),
    /// A task comes to its end.
    End(Instance),
    StopCommand(Instance, usize),
    Exit(Instance, Exit),
    Empty(Instance),
}

pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) now: Time,
    pub(crate) instances: BTreeMap<Instance, Processes>,
    pub(crate) changes: Vec<Change>,
    pub(crate) shutting_down: bool,
    pub(crate) shutdown_complete: u32,
    pub(crate) events: Vec<(Time, Event)>,
    /// How many services took up a new specification in each of the possible ways.
    pub(crate) uptakes: Vec<Uptake>,
    pub(crate) specs: BTreeMap<ServiceName, ServiceSpec>,
    /// How often the supervisor has died and was resumed.
    pub(crate) deaths: u32,
    /// Whether the machine was changed by something else than an event since the last event.
    pub(crate) without_an_event: bool,
    /// Launches that a supervisor before may have begun while the requirements were ready.
    pub(crate) begun_before: BTreeSet<Instance>,
    /// The states in which the machine was resumed. They count until the next change of each is reported,
    /// because changes before the death may not have been.
    pub(crate) went_on_in: BTreeMap<ServiceName, StateName>,
    /// How often the configuration was read again.
    pub(crate) reconfigured: u64,
    /// The story to which each step is written.
    pub(crate) story: Option<Story>,
    pub(crate) picture: Picture,
    pending: Vec<Pending>,
    dice: u64,
    faults: bool,
    mortal: bool,
}

impl World {
    /// Makes a world. If it is `mortal`, the supervisor may die between any two effects.
    pub(crate) fn new(seed: u64, mortal: bool) -> Self {
        let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let specs = specs(&mut dice);
        let known = specs.iter().map(|s| (s.name.clone(), s.clone())).collect();
        let mut machine = Machine::new(specs, seed).expect("requirements point backwards only");
        let mut picture = Picture::default();
        picture.follow(&mut machine);
        Self {
            uptakes: Vec::new(),
            specs: known,
            machine,
            picture,
            now: Time::default(),
            instances: BTreeMap::new(),
            changes: Vec::new(),
            shutting_down: false,
            shutdown_complete: 0,
            events: Vec::new(),
            reconfigured: 0,
            story: None,
            pending: Vec::new(),
            dice,
            faults: true,
            mortal,
            deaths: 0,
            begun_before: BTreeSet::new(),
            without_an_event: false,
            went_on_in: BTreeMap::new(),
        }
    }

    pub(crate) fn begin(&mut self) {
        self.tell(Event::Request(Request::Start(Target::All)));
    }

    /// From now on everything works, and time passes until nothing more happens by itself.
    pub(crate) fn calm(&mut self) {
        self.faults = false;
        for _ in 0..4_000 {
            if self.pending.is_empty() {
                if self.settled() {
                    return;
                }
                self.time_passes();
            } else {
                self.something_pending();
            }
        }
        let states: Vec<_> = self.machine.states().collect();
        panic!("it never came to rest: {states:?}, {:?}", self.pending);
    }

    fn settled(&self) -> bool {
        self.machine.status().all(|s| match s.state {
            StateName::Ready
            | StateName::Completed
            | StateName::Scheduled
            | StateName::Stopped
            | StateName::Failed
            | StateName::Waiting => true,
            StateName::Starting
            | StateName::Running
            | StateName::Unhealthy
            | StateName::Draining
            | StateName::Stopping
            | StateName::BackingOff => false,
        })
    }

    pub(crate) fn shut_down(&mut self) {
        self.faults = true;
        self.shutting_down = true;
        self.tell(Event::Request(Request::Shutdown));
        for _ in 0..4_000 {
            if self.shutdown_complete > 0 {
                return;
            }
            if self.pending.is_empty() || self.roll(5) == 0 {
                self.time_passes();
            } else {
                self.something_pending();
            }
        }
    }

    /// Whether the news of this main process's end has not arrived yet.
    pub(crate) fn exit_is_pending(&self, instance: &Instance) -> bool {
        self.pending
            .iter()
            .any(|p| matches!(p, Pending::Exit(of, _) if of == instance))
    }

    pub(crate) fn launch_is_pending(&self, instance: &Instance) -> bool {
        self.pending.contains(&Pending::Launch(instance.clone()))
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        roll(&mut self.dice, sides)
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.without_an_event = false;
        self.events.push((self.now, event.clone()));
        if self.story.is_some() {
            self.narrate(&serde_json::to_string(&event).expect("it is plain data"));
        }
        let effects = self.machine.handle(event, self.now);
        self.narrate_what_came(&effects);
        self.carry_out_all(effects);
        invariants::check(self);
    }

    /// Begins a step of the story.
    fn narrate(&mut self, what: &str) {
        if let Some(story) = &mut self.story {
            story.begin(self.now, what);
        }
    }

    fn narrate_what_came(&mut self, effects: &[Effect]) {
        if let Some(story) = &mut self.story {
            story.came(effects, &self.machine);
        }
    }

    fn carry_out_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if self.mortal && self.faults && self.roll(150) == 0 {
                // The effects after this one are lost as well.
                return self.die_and_go_on();
            }
            self.carry_out(effect);
        }
    }

    fn checked(&self) -> Checked {
        let specs = self.specs.values().cloned().collect();
        Checked::new(specs).expect("requirements point backwards only")
    }
}
