//! What set-up installs: payloads, and the tables that belong to them.

use std::{cmp::Ordering, fmt, path::PathBuf};

use super::{
    cluster::{Cluster, Role},
    programs::{Program, Runtimes},
    size::MB,
};
use crate::secrets::SecretKind;

/// Something with a version that is made once, in a folder of its own, and switched to as a whole.
///
/// Two are the same if they have the same name.
#[derive(Clone, Copy)]
pub struct Payload {
    /// The name of its folder among the payloads.
    pub name: &'static str,
    /// The name that a progress bar shows.
    pub title: &'static str,
    /// What it is called in the middle of a sentence.
    pub what: &'static str,
    /// Whether people know its version.
    pub versioned: bool,
    /// What it takes on the disk, as measured with the locks of this version.
    pub bytes: u64,
    /// The one file without which its folder is of no use.
    pub needed: &'static str,
    /// Where its packages come from.
    pub packages: Packages,
    /// Whether set-up itself runs it, so that each file is compared before.
    pub runs_in_set_up: bool,
}

/// What names the packages of a payload.
#[derive(Debug, Clone, Copy)]
pub enum Packages {
    /// Hash-locked requirements, with the package that the version is of.
    Python {
        /// The text of the lock.
        lock: &'static str,
        /// The package whose version the folder is named after.
        package: &'static str,
    },
    /// The packages of npm's lock.
    Npm {
        /// The text of the lock.
        lock: &'static str,
        /// The version that the folder is named after.
        version: &'static str,
        /// The files that are installed with it, the lock among them.
        files: &'static [EmbeddedFile],
    },
    /// It has no packages, because it is one file.
    None,
}

/// One file that the program carries.
#[derive(Debug)]
pub struct EmbeddedFile {
    /// The path of the file in its folder.
    pub path: &'static str,
    /// The text of the file.
    pub contents: &'static str,
}

impl EmbeddedFile {
    /// Returns whether it is a program. A script begins by saying what runs it.
    pub fn is_program(&self) -> bool {
        self.contents.starts_with("#!")
    }
}

impl Payload {
    /// What it is, with the version that its folder is named after.
    pub fn with_version(&self, folder: &str) -> String {
        if self.versioned {
            format!("{} {}", self.what, version(folder))
        } else {
            self.what.to_owned()
        }
    }

    /// Returns how many megabytes it takes on the disk.
    pub const fn megabytes(&self) -> u64 {
        self.bytes / MB
    }
}

/// Returns the version in the name of a payload's folder.
pub fn version(folder: &str) -> &str {
    folder
        .rsplit_once('-')
        .map_or(folder, |(version, _)| version)
}

/// By its name alone: a lock fills screens.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Payload {}

impl PartialOrd for Payload {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Payload {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }
}

/// A service's tables in the database, which have to fit the service's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tables {
    /// The name that they are recorded by.
    pub name: &'static str,
    /// The service, as a person says it.
    pub of: &'static str,
    /// What bringing them up to date is, in a sentence that begins with its verb.
    pub doing: &'static str,
    /// The payload that brings their migrations.
    pub payload: Payload,
}

impl fmt::Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}'s tables", self.of)
    }
}

/// What these settings want.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Each payload with the name of its folder, in the order in which they are made.
    pub payloads: Vec<(Payload, String)>,
    /// The Python that set-up brings where the machine has none that fits, with the name of its folder. Where the
    /// settings name a Python there is none.
    pub brought_python: Option<(Payload, String)>,
    /// The tables, in the order in which they are brought up to date.
    pub tables: Vec<Tables>,
    /// The cluster that the services keep their tables in, if one of them brings a database server.
    pub cluster: Option<Cluster>,
    /// The roles that the database has.
    pub roles: Vec<Role>,
    /// The secrets of all services.
    pub secrets: Vec<SecretKind>,
    /// The Python and the Node.js that the settings name.
    pub runtimes: Runtimes,
    /// The programs that services need, each with the place that the settings name. What they do not name is
    /// looked for.
    pub programs: Vec<(Program, Option<PathBuf>)>,
}

impl Wanted {
    /// The folder's name, or none where the settings want no such payload. The Python that set-up brings has one
    /// even if the machine does not need it.
    pub fn folder(&self, name: &str) -> Option<&str> {
        let mut all = self.payloads.iter().chain(&self.brought_python);
        let found = all.find(|(payload, _)| payload.name == name);
        found.map(|(_, folder)| folder.as_str())
    }
}
