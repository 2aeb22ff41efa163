//! What there can be in a set-up, put together by whoever knows the services: payloads with the functions that
//! install them, the programs that are looked for, tables with the functions that bring them up to date, and the
//! roles of the database.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{
    brought_python::{self, PYTHON},
    error::SetupError,
    execution::Execution,
    installation::Installation,
    model::{
        Cluster, Packages, Payload, Program, ProgramPlace, Role, Tables, UnreadableCluster, Wanted,
    },
    names,
    steps::{self, migrate::Migrate, server::Server},
    tools::{self, TOOLS},
};
use crate::{
    config::{paths::Paths, settings::Settings},
    secrets::SecretKind,
};

/// Makes the folder of a payload, from its beginning to its marker.
pub(crate) type Build = fn(&mut Execution<'_>, &Path) -> Result<(), SetupError>;

/// A payload together with how it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Installable {
    pub(crate) payload: Payload,
    /// The name of the folder that these settings want, or `None` where they want no such payload.
    pub(crate) folder: fn(&Payload, &Settings) -> Option<String>,
    pub(crate) build: Build,
}

/// The tables of a service together with how they are brought up to date.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migratable {
    pub(crate) tables: Tables,
    pub(crate) migrate: Migrate,
}

/// The database server that a service brings, and what set-up does with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DatabaseServer {
    /// Its cluster, and how it is looked at.
    pub(crate) cluster: Cluster,
    /// Makes the cluster. It has to be there as a whole or not at all, wherever that is cut off.
    pub(crate) make_cluster: fn(&mut Execution<'_>) -> Result<(), SetupError>,
    /// Starts a server for the time of set-up, and waits until it answers.
    pub(crate) start: fn(&mut Execution<'_>) -> Result<Server, SetupError>,
    /// Makes the roles that are missing, each with a database of its name, and sets the passwords.
    pub(crate) make_roles: fn(&mut Execution<'_>, &Server, &[Role]) -> Result<(), SetupError>,
    /// Ends the server of a set-up that was killed, and no other one.
    pub(crate) end_orphan: fn(&Paths) -> Result<(), SetupError>,
}

/// What one service brings along for set-up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brought {
    /// What is installed for it.
    pub(crate) payloads: &'static [Installable],
    /// The programs of the distribution that it needs.
    pub(crate) programs: &'static [Program],
    /// The database server, if the service is the one that all others keep their tables in.
    pub(crate) database: Option<DatabaseServer>,
    /// Its tables in the database.
    pub(crate) tables: &'static [Migratable],
    /// Its roles in the database.
    pub(crate) roles: &'static [Role],
    /// Its secrets.
    pub(crate) secrets: &'static [SecretKind],
    /// The payloads without which it cannot start with these settings.
    pub(crate) needs: fn(&Settings) -> Vec<Payload>,
    /// The parts of payloads that its plan or that of another service uses, each with a name. It looks whether
    /// each is there.
    pub(crate) parts: fn(&Installation) -> Vec<(&'static str, PathBuf)>,
}

impl Brought {
    /// What a service brings that keeps nothing and for which nothing is installed.
    pub(crate) const NOTHING: Self = Self {
        payloads: &[],
        programs: &[],
        database: None,
        tables: &[],
        roles: &[],
        secrets: &[],
        needs: |_| Vec::new(),
        parts: |_| Vec::new(),
    };
}

/// What all services of a list bring along.
pub struct Catalog {
    payloads: Vec<Installable>,
    programs: Vec<Program>,
    tables: Vec<Migratable>,
    roles: Vec<Role>,
    secrets: Vec<SecretKind>,
    database: Option<DatabaseServer>,
    services: Vec<Brought>,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.payloads.iter().map(|all| all.payload.name);
        f.debug_set().entries(names).finish()
    }
}

/// The tools come first: all else is made with them. Whether a Python is brought, the machine says and not the
/// settings.
const OWN: [Installable; 2] = [
    Installable {
        payload: TOOLS,
        folder: of_packages,
        build: steps::tools::build,
    },
    Installable {
        payload: PYTHON,
        folder: |_, _| None,
        build: steps::brought_python::build,
    },
];

impl Catalog {
    /// What these services bring along, in the order in which it is made.
    pub(crate) fn new<'a>(services: impl Iterator<Item = &'a Brought>) -> Self {
        let services: Vec<Brought> = services.copied().collect();
        let payloads = services.iter().flat_map(|service| service.payloads);
        Self {
            payloads: OWN.iter().chain(payloads).copied().collect(),
            programs: all(&services, |service| service.programs),
            tables: all(&services, |service| service.tables),
            roles: all(&services, |service| service.roles),
            secrets: all(&services, |service| service.secrets),
            database: services.iter().find_map(|service| service.database),
            services,
        }
    }

    /// The payloads without which the services cannot start with these settings.
    pub(crate) fn needed(&self, settings: &Settings) -> Vec<Payload> {
        let services = self.services.iter();
        services
            .flat_map(|service| (service.needs)(settings))
            .collect()
    }

    /// The parts of payloads that the services find.
    pub(super) fn parts(&self, installation: &Installation) -> Vec<(&'static str, PathBuf)> {
        let services = self.services.iter();
        services
            .flat_map(|service| (service.parts)(installation))
            .collect()
    }

    /// The database server that the services keep their tables in.
    pub(crate) fn database(&self) -> Option<&DatabaseServer> {
        self.database.as_ref()
    }

    /// The cluster of that server.
    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        self.database().map(|database| &database.cluster)
    }

    /// The number of the cluster that is there, or `None` where there is none.
    pub(super) fn identifier(&self, paths: &Paths) -> Result<Option<u64>, UnreadableCluster> {
        let cluster = self.cluster();
        cluster.map_or(Ok(None), |cluster| {
            (cluster.identifier)(&(cluster.data)(paths))
        })
    }

    /// The secrets of all services.
    pub fn secrets(&self) -> &[SecretKind] {
        &self.secrets
    }

    /// The roles of all services.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Returns what these settings want of all that the services bring along.
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
        let runtimes = tools::runtimes(settings);
        Wanted {
            brought_python: brought_python::for_runtimes(&runtimes),
            tables: tables.filter(is_wanted).collect(),
            payloads,
            cluster: self.cluster().copied(),
            roles: self.roles.clone(),
            secrets: self.secrets.clone(),
            runtimes,
            programs: self.programs(settings),
        }
    }

    /// The programs that these settings need, each with the place that they name.
    fn programs(&self, settings: &Settings) -> Vec<(Program, Option<PathBuf>)> {
        let programs = self.programs.iter();
        let needed = programs.filter_map(|program| match (program.place)(settings) {
            ProgramPlace::NotNeeded => None,
            ProgramPlace::Named(path) => Some((*program, Some(path))),
            ProgramPlace::LookedFor => Some((*program, None)),
        });
        needed.collect()
    }

    /// Returns the function that makes a payload.
    pub(super) fn build(&self, payload: Payload) -> Build {
        let mut all = self.payloads.iter();
        let found = all.find(|all| all.payload == payload);
        found.expect("what is wanted is of the catalog").build
    }

    /// Returns how tables are brought up to date.
    pub(super) fn migrate(&self, tables: &Tables) -> Migrate {
        let mut all = self.tables.iter();
        let found = all.find(|all| all.tables.name == tables.name);
        found.expect("what is wanted is of the catalog").migrate
    }

    /// Returns the tables of all services.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Migratable> {
        self.tables.iter()
    }

    /// Returns the payloads of all services, and those of set-up itself.
    pub(super) fn payloads(&self) -> impl Iterator<Item = Payload> {
        self.payloads.iter().map(|all| all.payload)
    }
}

/// One kind of what services bring, of all of them.
fn all<T: Copy>(services: &[Brought], of: fn(&Brought) -> &'static [T]) -> Vec<T> {
    services.iter().flat_map(of).copied().collect()
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
