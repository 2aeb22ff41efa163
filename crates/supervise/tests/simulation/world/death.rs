//! The supervisor dies, and another one continues from what was saved.

use supervise::{
    effect::StateName,
    event::Instance,
    machine::{FingerprintKey, Machine, UnitStatus},
};

use super::{Pending, World};
use crate::{invariants, picture::Picture, services::name};

/// The key with which the supervisor saves.
const KEY: FingerprintKey = FingerprintKey::new([7; 32]);

impl World {
    /// The supervisor dies. The services' processes go on, and the exits of those that end are kept for the
    /// next supervisor. Everything else for which it waited is lost. The next supervisor continues from
    /// what was saved.
    pub(super) fn die_and_go_on(&mut self) {
        self.deaths += 1;
        self.narrate("the supervisor dies, and another one goes on");
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
        let text = serde_json::to_string(&self.machine.save(&KEY)).expect("it is plain data");
        let saved = serde_json::from_str(&text).expect("it was written just now");
        let starting = |s: UnitStatus| (s.state == StateName::Starting).then_some(s.instance);
        self.begun_before = self.machine.status().filter_map(starting).collect();
        // The last change of a service that was forgotten may not have been reported.
        self.went_on_in = (0..7).map(|n| (name(n), StateName::Stopped)).collect();
        let states = self.machine.states();
        self.went_on_in
            .extend(states.map(|(name, state)| (name.clone(), state)));
        let stopping = self.stopping();
        let (machine, effects) =
            Machine::resume(saved, self.checked(), &KEY, self.now).expect("it has our form");
        self.machine = machine;
        self.picture = Picture::default();
        invariants::a_stop_that_had_begun_goes_on(self, &stopping);
        self.narrate_what_came(&effects);
        self.without_an_event = true;
        self.carry_out_all(effects);
        invariants::check(self);
    }

    /// The services that are about to stop.
    fn stopping(&self) -> Vec<Instance> {
        let down = |s: &UnitStatus| matches!(s.state, StateName::Draining | StateName::Stopping);
        let all = self.machine.status().filter(down);
        all.map(|status| status.instance).collect()
    }
}
