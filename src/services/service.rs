//! What the rest of the program knows of a service that the gateway brings along.

use supervise::spec::ServiceName;

use super::part::{Inputs, ServicePlan};
use crate::{
    config::{
        schema::{BuiltIn, Declaration},
        settings::Settings,
    },
    doctor::Check,
    logs::Dialect,
    provision::catalog::Brought,
};

/// One service.
#[derive(Debug)]
pub struct Service {
    /// Its name (in `status`, in the journal, of its cgroup and of its table of limits), and what else the
    /// configuration knows of it.
    pub built_in: BuiltIn,
    /// Its keys of `gateway.toml`.
    pub declaration: Declaration,
    /// What is to run and to be written for it; none: these settings leave it out.
    pub(super) plan: fn(&Inputs<'_>) -> Option<ServicePlan>,
    /// How many pools of connections to the database it has.
    pub(super) database_pools: fn(&Settings) -> u32,
    /// How to tell its urgent lines from others, where it cannot say so by itself.
    pub(super) dialect: Option<Dialect>,
    /// What set-up makes for it.
    pub(crate) set_up: Brought,
    /// What `doctor` looks at for it.
    pub(super) checks: &'static [Check],
}

impl Service {
    /// Its name as the supervisor has it.
    pub fn service_name(&self) -> ServiceName {
        ServiceName::new(self.built_in.name)
            .expect("the names of our own services follow the grammar")
    }
}
