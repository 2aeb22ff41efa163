//! The steps of a set-up.

use std::{collections::BTreeMap, fmt};

use super::{
    cluster::Role,
    payload::{Payload, Tables},
};
use crate::secrets::SecretKind;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupStep {
    /// Make the secrets that are missing.
    Secrets(Vec<SecretKind>),
    /// Make a payload's folder.
    Build(Payload, String),
    /// Make the database cluster.
    Cluster,
    /// Make these roles, each with a database of its name.
    Roles(Vec<Role>),
    /// Bring a service's tables up to date, with the migrations of a payload's folder.
    Migrate(Tables, String),
    /// Make a generation of these payloads the current one.
    Switch(Switch),
}

/// To which payloads to switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// The folder of each payload, by the payload's name.
    pub payloads: BTreeMap<String, String>,
    /// The payloads whose folder becomes another one, for people.
    pub changed: Vec<(Payload, String)>,
}

impl SetupStep {
    /// Whether it needs the cluster for itself.
    pub const fn is_of_database(&self) -> bool {
        match self {
            Self::Cluster | Self::Roles(_) | Self::Migrate(..) => true,
            Self::Secrets(_) | Self::Build(..) | Self::Switch(_) => false,
        }
    }
}

impl fmt::Display for SetupStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secrets(kinds) => {
                let s = if kinds.len() == 1 { "" } else { "s" };
                write!(f, "make {} key{s} and password{s}", kinds.len())
            }
            Self::Build(payload, folder) => write!(
                f,
                "install {} (about {} MB)",
                payload.with_version(folder),
                payload.megabytes()
            ),
            Self::Cluster => f.write_str("make the database cluster"),
            Self::Roles(roles) => {
                let names = roles.iter().map(|role| role.name.to_owned());
                write!(f, "make the roles and databases {}", list(names.collect()))
            }
            Self::Migrate(tables, _) => f.write_str(tables.doing),
            Self::Switch(switch) => {
                let changed = switch.changed.iter();
                let changed = changed.map(|(payload, folder)| payload.with_version(folder));
                write!(f, "use {} from then on", list(changed.collect()))
            }
        }
    }
}

/// "a, b and c".
fn list(mut words: Vec<String>) -> String {
    let last = words.pop().unwrap_or_else(|| "what is installed".into());
    if words.is_empty() {
        last
    } else {
        format!("{} and {last}", words.join(", "))
    }
}
