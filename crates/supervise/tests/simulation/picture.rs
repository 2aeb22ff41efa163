//! A copy of the states of all services, kept up to date only by what the machine reports as changed.

use std::collections::BTreeMap;

use supervise::{
    machine::{Machine, UnitStart, UnitStatus},
    spec::ServiceName,
};

#[derive(Debug, Default)]
pub(crate) struct Picture(BTreeMap<ServiceName, (UnitStatus, UnitStart)>);

impl Picture {
    /// Takes in what may have changed. After that the copy has to agree with the machine.
    pub(crate) fn follow(&mut self, machine: &mut Machine) {
        for service in machine.take_news() {
            match machine.status_of(&service).zip(machine.start_of(&service)) {
                Some(both) => drop(self.0.insert(service, both)),
                None => drop(self.0.remove(&service)),
            }
        }
        let told: Vec<_> = machine.status().zip(machine.starts()).collect();
        let kept: Vec<_> = self.0.values().cloned().collect();
        assert_eq!(kept, told, "the machine did not say that something is new");
    }
}
