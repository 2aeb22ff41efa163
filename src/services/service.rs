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
    secrets::own::OwnSecrets,
    services::own_files::{OwnFileError, Read, Trusted},
};

/// One service.
#[derive(Debug)]
pub struct Service {
    /// What the configuration knows of it, besides its keys: above all its name, which it has in the status, in
    /// the journal and for its cgroup too.
    pub built_in: BuiltIn,
    /// Its keys of `gateway.toml`.
    pub declaration: Declaration,
    /// Plans what is to run and to be written for it. `None` if these settings leave it out.
    pub(super) plan: fn(&Inputs<'_>) -> Option<ServicePlan>,
    /// Reads the files of the user's own that these settings name. `None` if they name none.
    pub(crate) read: fn(&Settings, &OwnSecrets, Trusted<'_>) -> Result<Option<Read>, OwnFileError>,
    /// How many pools of connections to the database it has.
    pub(super) database_pools: fn(&Settings) -> u32,
    /// The addresses at which people reach what it does, in the order in which they are shown.
    pub(super) urls: &'static [NamedUrl],
    /// How to tell its urgent lines from others, where it cannot say so by itself.
    pub(super) dialect: Option<Dialect>,
    /// What set-up makes for it.
    pub(crate) set_up: Brought,
    /// What `doctor` looks at for it.
    pub(super) checks: &'static [Check],
}

/// An address at which people reach what a service does.
#[derive(Debug)]
pub struct NamedUrl {
    /// Its name in the status, which other people's scripts read.
    pub name: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// The address under these settings. `None` if the service is not a part of the gateway.
    pub(super) url: fn(&Settings) -> Option<String>,
}

impl Service {
    /// Its name as the supervisor has it.
    pub fn service_name(&self) -> ServiceName {
        ServiceName::new(self.built_in.name)
            .expect("the names of our own services follow the grammar")
    }
}
