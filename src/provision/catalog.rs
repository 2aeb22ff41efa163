//! What there can be in a set-up, put together by whoever knows the services: payloads with the functions that
//! install them, tables with the functions that bring them up to date, and the roles of the database.

use std::{fmt, path::Path};

use super::{
    error::{NotSetUp, SetupError},
    execution::Execution,
    installation::Installation,
    model::{Packages, Payload, Programs, Role, Tables, Wanted},
    names,
    steps::{self, migrate::Migrate},
    tools::TOOLS,
};
use crate::{config::settings::Settings, secrets::SecretKind};

/// Makes the folder of a payload, from its beginning to its marker.
pub(crate) type Build = fn(&mut Execution<'_>, &Path) -> Result<(), SetupError>;

/// A payload, and how it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Installable {
    pub(crate) payload: Payload,
    /// The name of the folder that these settings want; none: they want no such payload.
    pub(crate) folder: fn(&Payload, &Settings) -> Option<String>,
    pub(crate) build: Build,
}

/// A service's tables, and how they are brought up to date.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migratable {
    pub(crate) tables: Tables,
    pub(crate) migrate: Migrate,
}

/// What one service brings along for set-up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brought {
    pub(crate) payloads: &'static [Installable],
    pub(crate) tables: &'static [Migratable],
    pub(crate) roles: &'static [Role],
    pub(crate) secrets: &'static [SecretKind],
}

impl Brought {
    /// Of a service that runs a program of the distribution and keeps nothing.
    pub(crate) const NOTHING: Self = Self {
        payloads: &[],
        tables: &[],
        roles: &[],
        secrets: &[],
    };
}

/// All of it.
pub struct Catalog {
    payloads: Vec<Installable>,
    tables: Vec<Migratable>,
    roles: Vec<Role>,
    secrets: Vec<SecretKind>,
    programs: fn(&Settings) -> Programs,
    needs: Needs,
}

/// Whether the services find all that they need of what was installed.
pub(crate) type Needs = fn(Installation, &Settings) -> Result<(), NotSetUp>;

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.payloads.iter().map(|all| all.payload.name);
        f.debug_set().entries(names).finish()
    }
}

/// The tools come first: all else is made with them.
const OWN: Installable = Installable {
    payload: TOOLS,
    folder: of_packages,
    build: steps::tools::build,
};

impl Catalog {
    /// What these services bring along, in the order in which it is made. `programs` says which programs the
    /// settings name, `needs` whether the services find all that they need.
    pub(crate) fn new<'a>(
        services: impl Iterator<Item = &'a Brought> + Clone,
        programs: fn(&Settings) -> Programs,
        needs: Needs,
    ) -> Self {
        let payloads = services.clone().flat_map(|service| service.payloads);
        Self {
            payloads: [&OWN].into_iter().chain(payloads).copied().collect(),
            tables: services
                .clone()
                .flat_map(|service| service.tables)
                .copied()
                .collect(),
            roles: services
                .clone()
                .flat_map(|service| service.roles)
                .copied()
                .collect(),
            secrets: services
                .flat_map(|service| service.secrets)
                .copied()
                .collect(),
            programs,
            needs,
        }
    }

    /// Whether the services find all that they need of what was installed.
    ///
    /// # Errors
    /// What they do not find.
    pub(super) fn check(&self, found: Installation, settings: &Settings) -> Result<(), NotSetUp> {
        (self.needs)(found, settings)
    }

    /// The secrets of all services.
    pub fn secrets(&self) -> &[SecretKind] {
        &self.secrets
    }

    /// The roles of all services.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// What these settings want of it.
    pub fn wanted(&self, settings: &Settings) -> Wanted {
        let payloads = self.payloads.iter();
        let payloads: Vec<_> = payloads
            .filter_map(|all| Some((all.payload, (all.folder)(&all.payload, settings)?)))
            .collect();
        let is_wanted = |tables: &Tables| {
            let mut payloads = payloads.iter();
            payloads.any(|(payload, _)| *payload == tables.payload)
        };
        let tables = self.tables.iter().map(|all| all.tables);
        Wanted {
            tables: tables.filter(is_wanted).collect(),
            payloads,
            roles: self.roles.clone(),
            secrets: self.secrets.clone(),
            programs: (self.programs)(settings),
        }
    }

    /// How a payload is made.
    pub(super) fn build(&self, payload: Payload) -> Build {
        let mut all = self.payloads.iter();
        let found = all.find(|all| all.payload == payload);
        found.expect("what is wanted is of the catalog").build
    }

    /// How tables are brought up to date.
    pub(super) fn migrate(&self, tables: &Tables) -> Migrate {
        let mut all = self.tables.iter();
        let found = all.find(|all| all.tables.name == tables.name);
        found.expect("what is wanted is of the catalog").migrate
    }

    /// All tables.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Migratable> {
        self.tables.iter()
    }

    /// All payloads.
    pub(super) fn payloads(&self) -> impl Iterator<Item = Payload> {
        self.payloads.iter().map(|all| all.payload)
    }
}

/// The name of the folder of a payload that is wanted whatever the settings are: its version, and a hash of what
/// it is made from.
pub(crate) fn of_packages(payload: &Payload, _: &Settings) -> Option<String> {
    match payload.packages {
        Packages::Python { lock, package } => Some(names::of_lock(lock, package, &[])),
        Packages::Npm { files, version, .. } => Some(names::of_files(files, version)),
        Packages::None => None,
    }
}
