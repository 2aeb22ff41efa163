//! What may happen by itself: requests by people, processes that die, time that passes, and news that come
//! too late.

use std::{collections::BTreeSet, time::Duration};

use supervise::event::{Event, Exit, Phase, Request, Target, Verdict};

use super::{Pending, World};
use crate::{
    dice::roll,
    invariants,
    services::{self, name, spec},
};

impl World {
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

    /// Changes, adds or removes one service.
    fn reconfigure(&mut self) {
        self.change_specs();
        let new = self.checked();
        let before: Vec<_> = self.machine.status().collect();
        let preview = self.machine.preview(new.clone(), self.now, |_, _| None);
        self.reconfigured += 1;
        if self.story.is_some() {
            let news = serde_json::to_string(&preview).expect("it is plain data");
            self.narrate(&format!("the configuration changes: {news}"));
        }
        let (news, effects) = self.machine.reconfigure(new, self.now);
        self.narrate_what_came(&effects);
        self.without_an_event = true;
        assert_eq!(news, preview);
        invariants::only_who_has_to_is_disturbed(&before, &news, &effects);
        self.uptakes
            .extend(news.changed.iter().map(|changed| changed.uptake));
        self.carry_out_all(effects);
        invariants::check(self);
    }

    pub(super) fn change_specs(&mut self) {
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

    pub(super) fn time_passes(&mut self) {
        let next = self.machine.next_deadline();
        self.now = match (next, self.roll(4)) {
            (Some(due), 1..) if due > self.now => due,
            _ => self.now.after(Duration::from_millis(self.roll(2_000))),
        };
        self.tell(Event::Deadline);
    }

    /// News of an instance that is over, or that never existed.
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

    pub(super) fn something_pending(&mut self) {
        if self.pending.is_empty() {
            return self.time_passes();
        }
        // These are answered before anything else, because the runtime does them in one step.
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
