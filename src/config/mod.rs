//! From `gateway.toml`, profile, environment and flags to settings that are known to be valid.
//!
//! - [`schema`] says what a key is, and holds the only list of keys; whoever reads a configuration passes
//!   it in. `raw` compares a file with it, `value` says what a value means, `resolve` merges the layers,
//!   `check` finds values that contradict each other, and `build` makes [`settings::Settings`]. All of these
//!   are pure, and [`load`] calls them.
//! - [`read`] is the shell around them: it reads the file and, by `machine`, the resources of this machine.
//! - [`exposed`] tells whether others can read a file with keys in it.
//! - [`report`] shows problems at their places, [`edit`] changes one key of a file, [`ports`] finds out who
//!   has a port, and [`example`] writes the commented example and the reference.

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
pub use profile::Resources;
pub use report::Report;
pub use resolve::Origin;
pub use value::{BudgetWords, ValueKind, decode::is_email};
pub use values::Values;

use crate::fs::regular;
use paths::Paths;
use schema::Schema;
use settings::Settings;

/// Everything from which settings are made.
pub struct Input<'a> {
    /// The list of all keys.
    pub schema: &'static Schema,
    /// The path and the text of the file. `None` if there is no file.
    pub file: Option<(PathBuf, String)>,
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Dotted names of keys and the values that were typed as flags.
    pub flags: &'a [(&'a str, &'a str)],
    /// The resources of this machine. `None` if they are not known; then nothing is compared with them.
    pub machine: Option<Resources>,
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

/// Settings, and where they came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Every key with its value and where that came from.
    pub rows: Vec<Row>,
    /// The value of every key, for a comparison with another configuration.
    pub values: Values,
    /// Warnings that a person should see.
    pub warnings: Report,
    /// The places of the values that were set, to show problems that only the kernel can find.
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

    /// The list of all keys.
    pub const fn schema(&self) -> &'static Schema {
        self.merged.schema
    }

    /// These settings with one key of [`Values::differing`] as `other` has it, to find out what that change
    /// does alone. No file may exist that would give exactly these settings.
    pub fn settings_with(&self, other: &Self, key: &str) -> Settings {
        build::settings(&self.merged.with(&other.merged, key))
    }
}

/// Makes settings of all layers.
///
/// # Errors
/// Every problem, not only the first one.
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

/// The settings of a profile with these lines of a file and the defaults for all other keys.
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
    /// The file exists and cannot be read.
    #[error("cannot read {}: make it readable for the user of the gateway", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is not UTF-8.
    #[error("{} is not UTF-8 text at line {line}, column {column}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The line of the first wrong byte, from 1.
        line: usize,
        /// The column of that byte, in bytes, from 1.
        column: usize,
    },
    /// It has mistakes.
    #[error("{0}")]
    Wrong(Report),
}

/// Reads the file and the resources of this machine, and makes settings. If there is no file, the defaults
/// are in effect.
///
/// # Errors
/// The file cannot be read, or every problem of its contents.
pub fn read(
    schema: &'static Schema,
    paths: &Paths,
    env: &dyn Fn(&str) -> Option<String>,
    flags: &[(&str, &str)],
) -> Result<Loaded, LoadError> {
    read_with(schema, paths, env, flags, machine::facts(Path::new("/")))
}

/// The same as [`read`], for a machine with these resources.
///
/// # Errors
/// The same as those of [`read`].
pub fn read_with(
    schema: &'static Schema,
    paths: &Paths,
    env: &dyn Fn(&str) -> Option<String>,
    flags: &[(&str, &str)],
    machine: Option<Resources>,
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

/// The text of a file. `None` if there is no such file.
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
