//! What the rest of the program knows of a service that the gateway brings along.

use supervise::spec::ServiceName;

use super::part::{Inputs, Part};
use crate::{config::settings::Settings, logs::Dialect};

/// One service.
#[derive(Debug)]
pub struct Service {
    /// Its name: in `status`, in the journal, of its cgroup and of its table of limits.
    pub name: &'static str,
    /// What is to run and to be written for it; none: these settings leave it out.
    pub(super) plan: fn(&Inputs<'_>) -> Option<Part>,
    /// How many pools of connections to the database it has.
    pub(super) database_pools: fn(&Settings) -> u32,
    /// How to tell its urgent lines from others, where it cannot say so by itself.
    pub(super) dialect: Option<Dialect>,
}

impl Service {
    /// Its name as the supervisor has it.
    pub fn service_name(&self) -> ServiceName {
        ServiceName::new(self.name).expect("the names of our own services follow the grammar")
    }
}
