//! Programs that set-up does not install: the Python and the Node.js that payloads run on, and the programs of the
//! distribution that services declare.

use std::{
    fmt,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use crate::config::{paths::Paths, settings::Settings};

/// A Python that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// The interpreter itself, not a shim in front of it.
    pub path: PathBuf,
    /// Its version.
    pub version: (u32, u32, u32),
    /// Whether it can put pip into an environment.
    pub ensurepip: bool,
}

impl Python {
    /// The minor versions of Python 3 that the locks of the services hold for.
    pub const MINORS: RangeInclusive<u32> = 11..=13;

    /// The same for a sentence: "3.11 to 3.13".
    pub fn versions() -> String {
        format!("3.{} to 3.{}", Self::MINORS.start(), Self::MINORS.end())
    }

    /// The names that these versions have on PATH, the one that is preferred first.
    pub(crate) fn names() -> impl Iterator<Item = String> {
        Self::MINORS.map(|minor| format!("python3.{minor}"))
    }

    /// Whether the environments of the services can have it.
    pub fn fits(&self) -> bool {
        self.version.0 == 3 && Self::MINORS.contains(&self.version.1)
    }

    /// The oldest minor version of Python 3 that makes the environment of the tools. They bring a Python for the
    /// services where the machine has none that fits.
    pub const OLDEST_FOR_TOOLS: u32 = 8;

    /// Whether the tools' environment can have it.
    pub fn makes_tools(&self) -> bool {
        self.version.0 == 3 && self.version.1 >= Self::OLDEST_FOR_TOOLS
    }
}

/// A Node.js that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The program.
    pub path: PathBuf,
    /// Its major version.
    pub major: u32,
}

impl Node {
    /// The oldest version that set-up takes for what it installs with npm.
    pub const MINIMUM: u32 = 18;
}

/// The Python and the Node.js that the settings name. What they do not name is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runtimes {
    /// The Python of the environments.
    pub python: Option<PathBuf>,
    /// Node.js.
    pub node: Option<PathBuf>,
}

/// A program of the distribution that a service needs. The service declares it, and with it how it is found and
/// which of those that were found is taken.
///
/// Two are the same if they have the same name.
#[derive(Clone, Copy)]
pub struct Program {
    /// The name by which the record of set-up keeps its place.
    pub name: &'static str,
    /// Its name for a person.
    pub title: &'static str,
    /// What the settings say of its place.
    pub place: fn(&Settings) -> ProgramPlace,
    /// Finds it on a machine: every one that there is, the one that is preferred first. Where the settings name
    /// a path, no other place is looked at.
    pub find: fn(&dyn ProgramFinder, Option<&Path>) -> Vec<FoundProgram>,
    /// Chooses one of those that were found, or says in a sentence why none of them does and what helps.
    pub choose: fn(&Candidates<'_>) -> Result<PathBuf, String>,
}

/// What the settings say of a program's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramPlace {
    /// With these settings nobody needs the program.
    NotNeeded,
    /// It is in the place that the settings name.
    Named(PathBuf),
    /// It has to be looked for.
    LookedFor,
}

impl ProgramPlace {
    /// The place of a program that is needed whatever the settings are.
    pub fn of(named: Option<PathBuf>) -> Self {
        named.map_or(Self::LookedFor, Self::Named)
    }
}

/// What can be asked of a machine while a program is looked for.
pub trait ProgramFinder {
    /// Every program of that name on PATH and where distributions put them, the first one first.
    fn all(&self, name: &str) -> Vec<PathBuf>;

    /// Whether there is a program in that place.
    fn is_program(&self, path: &Path) -> bool;

    /// What a program prints, or `None` where it cannot be asked.
    fn says(&self, program: &Path, arguments: &[&str]) -> Option<String>;

    /// What a program prints to its standard output and its standard error, for somebody who shows it and decides
    /// nothing by it: the program is not waited for as long.
    fn tells(&self, program: &Path, arguments: &[&str]) -> Option<String>;

    /// The program that is named, if it is one, and otherwise the first of that name.
    fn named_or_first(&self, named: Option<&Path>, name: &str) -> Option<PathBuf> {
        match named {
            Some(path) => self.is_program(path).then(|| path.to_owned()),
            None => self.all(name).into_iter().next(),
        }
    }
}

/// A program that was found, or a folder of programs that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProgram {
    /// Where it is.
    pub path: PathBuf,
    /// Its version, or `None` where it was not asked or does not tell.
    pub version: Option<String>,
}

impl FoundProgram {
    /// The number that its version begins with.
    pub fn major(&self) -> Option<u32> {
        let version = self.version.as_deref()?;
        version.split('.').next()?.parse().ok()
    }
}

/// What a program is chosen from.
#[derive(Debug, Clone, Copy)]
pub struct Candidates<'a> {
    /// All that were found, the preferred one first.
    pub found: &'a [FoundProgram],
    /// The place that the settings name.
    pub named: Option<&'a Path>,
    /// The major version of the database server that made the database, where there is a database.
    pub cluster_major: Option<u32>,
    /// Where everything of the gateway is.
    pub paths: &'a Paths,
}

/// Shown by its name alone.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Program {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Program {}
