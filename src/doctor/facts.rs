//! What the doctor knows of a machine and its gateway. Looking only: nothing here changes anything
//! or decides what is good.
//!
//! Files are read below a root folder, the environment and what only the kernel or a program can
//! tell come in through [`World`], so that a test can be any machine.

use std::{collections::BTreeMap, path::Path, time::SystemTime};

mod gateway;
mod machine;
mod programs;
mod systemd;

pub use gateway::{Configuration, Daemon, Entry, Gateway, Port, Provision, Sharing};
pub use machine::{ContainerManager, Hierarchy, MachineFacts, Packages, Virtualization};
pub use programs::{ProgramAnswer, ask};
pub use systemd::{DropIn, RemoveIpc, Systemd, Unit};

use crate::{config::paths::Paths, config::schema::Schema, provision::Catalog};

/// The places that the facts come from.
pub struct World<'a> {
    /// The root of the file system: `/`, and a folder of its own in a test.
    pub root: &'a Path,
    /// The variables of the environment.
    pub variables: &'a BTreeMap<String, String>,
    /// Runs a program and tells what it says.
    pub ask: &'a dyn Fn(&str, &[&str]) -> ProgramAnswer,
    /// The version of Landlock that the kernel tells, or `None` where it has none.
    pub landlock: Option<u32>,
    /// Whether something keeps the clock right, or `None` where the kernel does not say.
    pub synchronised: Option<bool>,
    /// What time it is by that clock.
    pub now: SystemTime,
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl World<'_> {
    /// A variable that is neither missing nor empty.
    fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// The text of a file below the root.
    fn read(&self, path: &str) -> Option<String> {
        crate::fs::regular::text(&self.root.join(path)).ok()
    }

    fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }
}

/// Says whose gateway it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is the gateway of the machine, and runs as a unit of the system.
    System,
    /// It is the gateway of a person, and runs as a unit of that person's own manager.
    User,
    /// It lives in a folder of its own, and systemd knows nothing of it.
    Folder,
}

/// Which gateway is examined, and for whom.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The keys that its configuration can have.
    pub schema: &'static Schema,
    /// All that its set-up can make.
    pub catalog: &'static Catalog,
    /// The paths of everything that belongs to it.
    pub paths: Paths,
    /// Says whose gateway it is.
    pub mode: Mode,
    /// The name of the user whom it runs as.
    pub user: String,
    /// The number of that user, or `None` where there is no such user.
    pub uid: Option<u32>,
    /// The number of that user's group, or `None` where it is not known.
    pub gid: Option<u32>,
    /// Whether root examines it.
    pub root: bool,
}

/// All facts that the checks decide by.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Which gateway is examined, and for whom.
    pub scope: Scope,
    /// The facts of the machine, or of the container that we are in.
    pub machine: MachineFacts,
    /// The facts of its systemd.
    pub systemd: Systemd,
    /// The facts of the gateway.
    pub gateway: Gateway,
}

impl Facts {
    /// Looks at the machine, at its systemd and at the gateway.
    pub fn gather(world: &World<'_>, scope: Scope) -> Self {
        Self {
            machine: MachineFacts::gather(world, &scope),
            systemd: Systemd::gather(world, &scope),
            gateway: Gateway::gather(world, &scope),
            scope,
        }
    }
}
