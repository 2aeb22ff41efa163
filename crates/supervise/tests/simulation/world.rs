//! A world of services, processes and people around one machine. It has no clock: time is moved to
//! the next deadline, or a little, when the dice say so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use supervise::{
    effect::{Change, Effect, StateName},
    event::{Event, Exit, Instance, Phase, Request, Target, Time, Verdict},
    machine::{Checked, Machine, ServiceStatus, Uptake},
    recycle::Usage,
    spec::{Limits, ServiceName, ServiceSpec, StopStep},
};

use crate::{
    dice::roll,
    invariants,
    picture::Picture,
    services::{self, LIMIT, name, spec, specs},
};

/// What exists of one instance.
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
    /// The mark of the files that it has read.
    pub(crate) files: Option<String>,
    /// The limits that hold for it.
    pub(crate) limits: Limits,
}

/// Something that will be told to the machine, unless the world changes its mind.
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
    /// How often services took up new specifications, by the way in which they did.
    pub(crate) uptakes: Vec<Uptake>,
    pub(crate) specs: BTreeMap<ServiceName, ServiceSpec>,
    /// How often the supervisor has died and gone on.
    pub(crate) deaths: u32,
    /// Whether the machine was changed by other means since the last event.
    pub(crate) without_an_event: bool,
    /// Launches that it may have begun before, when what they require was ready.
    pub(crate) begun_before: BTreeSet<Instance>,
    /// The states in which it went on, until the next change of each is told: some may not have been.
    pub(crate) went_on_in: BTreeMap<ServiceName, StateName>,
    /// What happens is told step by step, here.
    pub(crate) story: Option<String>,
    pub(crate) picture: Picture,
    pending: Vec<Pending>,
    dice: u64,
    faults: bool,
    mortal: bool,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
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
            story: None,
            pending: Vec::new(),
            dice,
            faults: true,
            mortal: false,
            deaths: 0,
            begun_before: BTreeSet::new(),
            without_an_event: false,
            went_on_in: BTreeMap::new(),
        }
    }

    /// A world in which the supervisor may die between any two effects.
    pub(crate) fn of_a_mortal(seed: u64) -> Self {
        Self {
            mortal: true,
            ..Self::new(seed)
        }
    }

    /// Whether the supervisor may die.
    pub(crate) const fn mortal(&self) -> bool {
        self.mortal
    }

    pub(crate) fn begin(&mut self) {
        self.tell(Event::Request(Request::Start(Target::All)));
    }

    /// One random thing happens.
    pub(crate) fn chaos(&mut self) {
        match self.roll(20) {
            0 => self.person(),
            1 | 2 => self.a_process_dies(),
            3 | 4 => self.time_passes(),
            5 => self.stale_news(),
            6 if self.roll(2) == 0 => self.reconfigure(),
            _ => self.something_pending(),
        }
    }

    /// Everything works now, and time passes, until nothing more happens by itself.
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

    /// Whether the news of this main process's end is still on its way.
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
        let effects = self.machine.handle(event, self.now);
        self.narrate(&effects);
        self.carry_out_all(effects);
        invariants::check(self);
    }

    /// Adds the newest event to the story, with what came of it.
    fn narrate(&mut self, effects: &[Effect]) {
        let (Some(story), Some((at, event))) = (&mut self.story, self.events.last()) else {
            return;
        };
        let states: Vec<_> = self.machine.states().collect();
        let json = |value: serde_json::Result<String>| value.expect("it is plain data");
        let event = json(serde_json::to_string(event));
        writeln!(story, "{:.3} {event}", at.0.as_secs_f64()).expect("a String takes all");
        for effect in effects {
            let effect = json(serde_json::to_string(effect));
            writeln!(story, "    -> {effect}").expect("a String takes all");
        }
        writeln!(story, "    {states:?}").expect("a String takes all");
    }

    fn carry_out_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if self.mortal && self.faults && self.roll(150) == 0 {
                // The others are lost with it.
                return self.die_and_go_on();
            }
            self.carry_out(effect);
        }
    }

    /// The supervisor dies. Its processes go on, and how they ended is kept for it; what it waited for
    /// otherwise is lost. Another one goes on from what was written down.
    fn die_and_go_on(&mut self) {
        self.deaths += 1;
        if let Some(story) = &mut self.story {
            story.push_str("the supervisor dies, and another goes on\n");
        }
        for pending in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Exit(..) | Pending::End(_) => self.pending.push(pending),
                Pending::Launch(instance) if self.roll(2) == 0 => self.launch(&instance),
                _ => {}
            }
        }
        if self.roll(4) == 0 {
            self.change_specs();
        }
        let text = serde_json::to_string(&self.machine.save()).expect("it is plain data");
        let saved = serde_json::from_str(&text).expect("it was written just now");
        let starting = |s: ServiceStatus| (s.state == StateName::Starting).then_some(s.instance);
        self.begun_before = self.machine.status().filter_map(starting).collect();
        // Of one that was forgotten, the last change may not have been told.
        self.went_on_in = (0..7).map(|n| (name(n), StateName::Stopped)).collect();
        let states = self.machine.states();
        self.went_on_in
            .extend(states.map(|(name, state)| (name.clone(), state)));
        let (machine, effects) =
            Machine::resume(saved, self.checked(), self.now).expect("it has our form");
        self.machine = machine;
        self.picture = Picture::default();
        self.without_an_event = true;
        self.carry_out_all(effects);
        invariants::check(self);
    }

    /// A process of this instance begins, unless one has.
    pub(crate) fn launch(&mut self, instance: &Instance) {
        let held = roll(&mut self.dice, LIMIT / 4);
        let Some(spec) = self.machine.spec(&instance.service) else {
            return;
        };
        let used = Usage {
            held,
            ..Usage::default()
        };
        let processes = Processes {
            main: true,
            used,
            requires: spec.requires.clone(),
            files: services::mark(spec),
            limits: spec.limits.clone(),
            ..Processes::default()
        };
        let ends = spec.task().is_some();
        if !self.instances.contains_key(instance) {
            self.instances.insert(instance.clone(), processes);
            if ends {
                self.pending.push(Pending::End(instance.clone()));
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Launch(instance) => {
                invariants::on_launch(self, &instance);
                self.pending.push(Pending::Launch(instance));
            }
            Effect::Probe { instance, phase } => self.pending.push(Pending::Probe(instance, phase)),
            Effect::Measure(instance) => self.pending.push(Pending::Measure(instance)),
            Effect::PostStart(instance) => self.pending.push(Pending::PostStart(instance)),
            Effect::CheckFiles(instance) => self.pending.push(Pending::CheckFiles(instance)),
            Effect::Told(..) => {}
            Effect::Reload(instance) => self.pending.push(Pending::Reload(instance)),
            Effect::Limit(instance) => self.pending.push(Pending::Limit(instance)),
            Effect::Schedule(instance) => self.pending.push(Pending::Schedule(instance)),
            Effect::StopStep { instance, step } => self.stop_step(instance, step),
            Effect::KillAll(instance) => self.kill_all(&instance),
            Effect::Changed(change) => {
                invariants::on_change(self, &change);
                self.went_on_in.remove(&change.instance.service);
                self.changes.push(change);
            }
            Effect::ShutdownComplete => self.shutdown_complete += 1,
        }
    }

    /// A command that may end, or a signal that may be obeyed.
    fn stop_step(&mut self, instance: Instance, step: usize) {
        let spec = self
            .machine
            .spec(&instance.service)
            .expect("it is a service");
        let is_command = matches!(spec.stop[step], StopStep::Run { .. });
        if self.faults && self.roll(3) == 0 {
            return;
        }
        if is_command {
            self.pending.push(Pending::StopCommand(instance, step));
        } else if self
            .instances
            .get(&instance)
            .is_some_and(|processes| processes.main)
        {
            self.die(&instance, Exit::Clean);
        }
    }

    fn kill_all(&mut self, instance: &Instance) {
        if self
            .instances
            .get(instance)
            .is_some_and(|processes| processes.main)
        {
            self.die(instance, Exit::Signal(9));
        }
        self.pending.retain(
            |p| !matches!(p, Pending::Probe(of, _) | Pending::PostStart(of) | Pending::CheckFiles(of) | Pending::Reload(of) if of == instance),
        );
        self.pending.push(Pending::Empty(instance.clone()));
    }

    pub(crate) fn die(&mut self, instance: &Instance, exit: Exit) {
        let leaves = self.roll(3);
        if let Some(processes) = self.instances.get_mut(instance) {
            processes.main = false;
            processes.others += u32::try_from(leaves).expect("small");
        }
        self.pending.push(Pending::Exit(instance.clone(), exit));
    }

    /// What an instance uses now: more than before, in large steps.
    pub(crate) fn leak(&mut self, instance: &Instance) -> Option<Usage> {
        let (step, pressed) = (self.roll(LIMIT / 2), 1);
        let used = &mut self.instances.get_mut(instance)?.used;
        used.held = (used.held + step).min(LIMIT);
        used.at_limit += pressed;
        Some(*used)
    }

    fn person(&mut self) {
        let services: Vec<_> = self.machine.start_order().to_vec();
        let which = usize::try_from(self.roll(services.len() as u64 + 1)).expect("small");
        let target = services
            .get(which)
            .map_or(Target::All, |s| Target::One(s.clone()));
        let request = match (self.roll(5), &target) {
            (0, _) => Request::Stop(target),
            (1, _) => Request::Restart(target),
            (2, Target::One(service)) => Request::Reload(service.clone()),
            _ => Request::Start(target),
        };
        self.tell(Event::Request(request));
    }

    /// One service is changed, added or taken away.
    fn reconfigure(&mut self) {
        self.change_specs();
        let new = self.checked();
        let before: Vec<_> = self.machine.status().collect();
        let preview = self.machine.preview(new.clone(), self.now);
        let (news, effects) = self.machine.reconfigure(new, self.now);
        self.without_an_event = true;
        assert_eq!(news, preview);
        invariants::only_who_has_to_is_disturbed(&before, &news, &effects);
        self.uptakes
            .extend(news.changed.iter().map(|changed| changed.uptake));
        self.carry_out_all(effects);
        invariants::check(self);
    }

    fn checked(&self) -> Checked {
        let specs = self.specs.values().cloned().collect();
        Checked::new(specs).expect("requirements point backwards only")
    }

    fn change_specs(&mut self) {
        let number = self.roll(7);
        let which = name(number);
        let dice = &mut self.dice;
        let several = self.specs.len() > 1;
        match (roll(dice, 3), self.specs.get_mut(&which)) {
            (0, Some(_)) if several => {
                self.specs.remove(&which);
            }
            (1, Some(known)) => services::change_one_field(known, dice),
            _ => {
                self.specs.insert(which, spec(number, dice));
            }
        }
        let known: BTreeSet<_> = self.specs.keys().cloned().collect();
        for spec in self.specs.values_mut() {
            spec.requires.retain(|name| known.contains(name));
        }
    }

    fn a_process_dies(&mut self) {
        let alive: Vec<_> = self
            .instances
            .iter()
            .filter(|(_, l)| l.main)
            .map(|(i, _)| i.clone())
            .collect();
        if alive.is_empty() {
            return self.something_pending();
        }
        let victim = alive[usize::try_from(self.roll(alive.len() as u64)).expect("small")].clone();
        let exit = match self.roll(5) {
            0 => Exit::Clean,
            1 => Exit::Signal(9),
            2 => Exit::OutOfMemory,
            3 => Exit::Unknown,
            _ => Exit::Code(1),
        };
        self.die(&victim, exit);
    }

    fn time_passes(&mut self) {
        let next = self.machine.next_deadline();
        self.now = match (next, self.roll(4)) {
            (Some(due), 1..) if due > self.now => due,
            _ => self.now.after(Duration::from_millis(self.roll(2_000))),
        };
        self.tell(Event::Deadline);
    }

    /// News of an instance that is over, or that never was.
    fn stale_news(&mut self) {
        let services: Vec<_> = self.machine.status().map(|s| s.instance).collect();
        let mut instance =
            services[usize::try_from(self.roll(services.len() as u64)).expect("small")].clone();
        instance.generation =
            instance
                .generation
                .wrapping_add(if self.roll(2) == 0 { 7 } else { u64::MAX });
        let event = match self.roll(4) {
            0 => Event::Exited {
                instance,
                exit: Exit::Clean,
            },
            1 => Event::Emptied(instance),
            2 => Event::Launched(instance),
            _ => Event::Probed {
                instance,
                phase: Phase::Readiness,
                verdict: Verdict::Pass,
            },
        };
        self.tell(event);
    }

    fn something_pending(&mut self) {
        if self.pending.is_empty() {
            return self.time_passes();
        }
        // These are answered before anything else: the runtime does them in one go.
        let at_once = self.pending.iter().position(|p| {
            matches!(
                p,
                Pending::Launch(_) | Pending::Limit(_) | Pending::Schedule(_)
            )
        });
        let which = at_once.unwrap_or_else(|| {
            usize::try_from(roll(&mut self.dice, self.pending.len() as u64)).expect("small")
        });
        let pending = self.pending.remove(which);
        let works = !self.faults || self.roll(4) != 0;
        self.answer(pending, works);
    }
}
