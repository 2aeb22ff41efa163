//! From `gateway.toml`, profile, environment and flags to settings that are known to be right.
//!
//! - [`schema`] is what a key is, and the one list of them, which whoever reads a configuration hands in. `raw` holds a file against it, `value` says what a value
//!   means, `resolve` merges the layers, `check` finds what is wrong with values together, `build`
//!   makes [`settings::Settings`] of them: all pure, all by [`load`].
//! - [`read`] is the shell around it: it reads the file and, by `machine`, what this machine has.
//! - [`exposed`] tells whether others can read a file with keys in it.
//! - [`report`] shows problems where they are, [`edit`] changes one key of a file, [`ports`] asks
//!   who holds a port, and [`example`] writes the commented example and the reference.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

mod build;
mod check;
pub mod edit;
pub mod example;
pub mod exposed;
pub mod machine;
pub mod paths;
pub mod ports;
pub mod profile;
mod raw;
pub mod report;
pub(crate) mod resolve;
pub mod schema;
pub mod settings;
mod value;
mod values;

pub use build::Row;
pub use profile::Machine;
pub use report::Report;
pub use resolve::Origin;
pub use value::{Kind, decode::is_email};
pub use values::Values;

use crate::fs::regular;
use paths::Paths;
use schema::Schema;
use settings::Settings;

/// All that settings come from.
pub struct Input<'a> {
    /// All that can be set.
    pub schema: &'static Schema,
    /// The file's path and text; none: there is no file.
    pub file: Option<(PathBuf, String)>,
    /// Looks an environment variable up.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Dotted names and the values that were typed for them.
    pub flags: &'a [(&'a str, &'a str)],
    /// What this machine has; none: it is not known, and nothing is held against it.
    pub machine: Option<Machine>,
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("file", &self.file)
            .field("flags", &self.flags)
            .field("machine", &self.machine)
            .finish_non_exhaustive()
    }
}

/// Settings, and how they came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Every key with its value and where that came from.
    pub rows: Vec<Row>,
    /// The value of every key, to be compared with another configuration's.
    pub values: Values,
    /// What somebody should know.
    pub warnings: Report,
    /// Where each value that was set stands, to be shown with what only the kernel can tell.
    places: BTreeMap<String, report::Place>,
    sources: Vec<report::Source>,
    merged: resolve::Merged,
}

impl Loaded {
    /// Where the value of a key came from.
    pub fn origin(&self, key: &str) -> Origin {
        let row = self.rows.iter().find(|row| row.key == key);
        row.map_or(Origin::Default, |row| row.origin.clone())
    }

    /// All that can be set.
    pub const fn schema(&self) -> &'static Schema {
        self.merged.schema
    }

    /// These settings, but for one key of [`Values::differing`], which is as `other` has it: to see what
    /// comes of it alone. They may be none that a file could have.
    pub fn settings_with(&self, other: &Self, key: &str) -> Settings {
        build::settings(&self.merged.with(&other.merged, key))
    }
}

/// Resolves settings.
///
/// # Errors
/// Every problem that there is, not only the first.
pub fn load(input: &Input<'_>) -> Result<Loaded, Report> {
    let mut merged = resolve::merge(input);
    let found = check::check(&merged, input.machine);
    let mut problems = std::mem::take(&mut merged.problems);
    problems.extend(found);
    let sources = merged.sources.clone();
    if problems.iter().any(report::Problem::is_error) {
        return Err(Report::new(problems, sources));
    }
    Ok(Loaded {
        settings: build::settings(&merged),
        rows: build::rows(&merged),
        values: build::values(&merged),
        warnings: Report::new(problems, sources.clone()),
        places: merged.places(),
        sources,
        merged,
    })
}

/// What a profile comes to with these lines of a file and where nothing else is said.
///
/// # Errors
/// There is no such profile, or the lines are wrong.
pub fn of_profile(schema: &'static Schema, profile: &str, text: &str) -> Result<Settings, Report> {
    let input = Input {
        schema,
        file: Some((PathBuf::from("gateway.toml"), text.to_owned())),
        env: &|_| None,
        flags: &[("profile", profile)],
        machine: None,
    };
    load(&input).map(|loaded| loaded.settings)
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is there and cannot be read.
    #[error("cannot read {}: make it readable for the user of the gateway", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is no text.
    #[error("{} is not UTF-8 text at line {line}, column {column}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// From 1 on.
        line: usize,
        /// In bytes, from 1 on.
        column: usize,
    },
    /// It says something wrong.
    #[error("{0}")]
    Wrong(Report),
}

/// Reads the file and what this machine has, and resolves settings. No file: the defaults are in effect.
///
/// # Errors
/// A file that cannot be read, or every problem with what is said.
pub fn read(
    schema: &'static Schema,
    paths: &Paths,
    env: &dyn Fn(&str) -> Option<String>,
    flags: &[(&str, &str)],
) -> Result<Loaded, LoadError> {
    read_with(schema, paths, env, flags, machine::facts(Path::new("/")))
}

/// As [`read`], on a machine that is given.
///
/// # Errors
/// As [`read`].
pub fn read_with(
    schema: &'static Schema,
    paths: &Paths,
    env: &dyn Fn(&str) -> Option<String>,
    flags: &[(&str, &str)],
    machine: Option<Machine>,
) -> Result<Loaded, LoadError> {
    let file = text_of(&paths.config)?.map(|text| (paths.config.clone(), text));
    let input = Input {
        schema,
        file,
        env,
        flags,
        machine,
    };
    load(&input).map_err(LoadError::Wrong)
}

/// The text of a file; none: there is no such file.
fn text_of(path: &Path) -> Result<Option<String>, LoadError> {
    let bytes = match regular::bytes(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            let path = path.to_owned();
            return Err(LoadError::Read { path, source });
        }
    };
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line_start = good
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        LoadError::NotText {
            path: path.to_owned(),
            line: 1 + good.iter().filter(|&&byte| byte == b'\n').count(),
            column: good.len() - line_start + 1,
        }
    })
}

#[cfg(test)]
pub(crate) mod tests;
