//! Changes one key of `gateway.toml` and nothing else: every comment and every blank stays.
//!
//! The value is spliced into the text at the place that the parser names. Then the new text is read
//! again: it has to say what the old one said, but for that key.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;

mod places;

use self::places::Places;
use super::{
    Input, LoadError, Loaded, Report, Resources,
    exposed::Rights,
    load, raw,
    report::{Place, Problem, Source, nearest},
    schema::{Key, Schema},
    text_of,
    value::{Name, Raw, RawValue, decode::written, quoted},
};
use crate::{
    fs::draft::{self, Survives, folder_of},
    trust,
};

/// The first lines of a file that did not exist before.
const HEAD: &str = "\
# The configuration of ai-gateway. `ai-gateway config example` shows every key that there is,
# `ai-gateway config show` what is in effect and where it comes from.
";

/// Why a key was not changed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file as it is cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The key or the value is wrong, whatever the file says.
    #[error("{0}")]
    Typed(Report),
    /// The file is wrong, or would be wrong with the new value.
    #[error("{0}")]
    Wrong(Report),
    /// The file sets the key in a way that cannot be changed without changing something else.
    #[error("cannot set {key} in {} without touching more: write {key} = {value} there by hand", path.display())]
    ByHand {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Its new value, as TOML.
        value: String,
    },
    /// Root would write to where another user's link leads.
    #[error(
        "{} is a link of user {owner}'s that leads to another user's folder: root writes nothing there. Run this as user {owner}, or put the folder itself in the place of the link",
        link.display()
    )]
    Misled {
        /// The link.
        link: PathBuf,
        /// The number of its owner.
        owner: u32,
    },
    /// The new text could not be written.
    #[error("cannot write {}: its folder has to be writable and must not be full", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why it could not be written.
        #[source]
        source: io::Error,
    },
}

/// A file with one key changed, in memory.
#[derive(Debug)]
pub struct Draft {
    /// The settings with the new value. If a variable is stronger, their rows say so.
    pub loaded: Loaded,
    path: PathBuf,
    old: Option<String>,
    new: String,
}

/// Sets a key in the text of the file, which need not exist, if the whole result is valid. Nothing is written
/// yet.
///
/// # Errors
/// Any of [`EditError`], except for those of writing.
pub fn draft(
    schema: &'static Schema,
    path: &Path,
    key: &str,
    value: &str,
    env: &dyn Fn(&str) -> Option<String>,
    machine: Option<Resources>,
) -> Result<Draft, EditError> {
    let old = text_of(path)?;
    let new = set(schema, old.as_deref().unwrap_or(HEAD), path, key, value)?;
    let loaded = load(&Input {
        schema,
        file: Some((path.to_owned(), new.clone())),
        env,
        flags: &[],
        machine,
    })
    .map_err(EditError::Wrong)?;
    Ok(Draft {
        loaded,
        path: path.to_owned(),
        old,
        new,
    })
}

impl Draft {
    /// Whether the file would say something new.
    pub fn is_new(&self) -> bool {
        self.old.as_ref() != Some(&self.new)
    }

    /// Writes the file if it says something new. Without `rights` it keeps its own rights.
    ///
    /// # Errors
    /// The file could not be written. It is as it was before.
    pub fn write(&self, rights: Option<Rights>) -> Result<(), EditError> {
        if !self.is_new() {
            return Ok(());
        }
        if geteuid().is_root()
            && let Some(step) = trust::misleading(&self.path)
        {
            return Err(EditError::Misled {
                link: step.path,
                owner: step.owner,
            });
        }
        write(&self.path, &self.new, rights).map_err(|source| self.error(source))
    }

    /// Puts back what the file said before, unless somebody has changed it since.
    ///
    /// # Errors
    /// It could not be written.
    pub fn undo(&self) -> Result<(), EditError> {
        if text_of(&self.path)?.as_ref() != Some(&self.new) {
            return Ok(());
        }
        let undone = match &self.old {
            Some(old) => write(&self.path, old, None),
            None => fs::remove_file(&self.path),
        };
        undone.map_err(|source| self.error(source))
    }

    fn error(&self, source: io::Error) -> EditError {
        EditError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

/// Sets a key in the file, as [`draft`] and [`Draft::write`] do. Returns the settings with the new value.
///
/// # Errors
/// Any of [`EditError`]. The file is as it was before.
pub fn change(
    schema: &'static Schema,
    path: &Path,
    key: &str,
    value: &str,
    env: &dyn Fn(&str) -> Option<String>,
    machine: Option<Resources>,
) -> Result<Loaded, EditError> {
    let draft = draft(schema, path, key, value, env, machine)?;
    draft.write(None)?;
    Ok(draft.loaded)
}

/// Returns the text with a key set to a value that was typed. This is pure.
///
/// # Errors
/// The key or the value is wrong, the text is not TOML, or it has to be changed by hand.
pub fn set(
    schema: &'static Schema,
    text: &str,
    path: &Path,
    key: &str,
    value: &str,
) -> Result<String, EditError> {
    let toml = as_toml(schema, key, value).map_err(EditError::Typed)?;
    let (entries, mistakes) = raw::parse(text);
    if !mistakes.is_empty() {
        let source = Source {
            path: Some(path.display().to_string()),
            text: text.to_owned(),
        };
        return Err(EditError::Wrong(Report::new(
            raw::read(schema, text, 0).problems,
            vec![source],
        )));
    }
    let mut wanted = leaves(schema, &entries);
    wanted.insert(key.to_owned(), raw::value(&toml));
    let good = |text: &String| {
        let (entries, mistakes) = raw::parse(text);
        mistakes.is_empty() && same(&leaves(schema, &entries), &wanted)
    };
    let places = Places {
        text,
        key,
        toml: &toml,
        entries: &entries,
    };
    let found = places.candidates().into_iter().find(good);
    found.ok_or_else(|| EditError::ByHand {
        path: path.to_owned(),
        key: key.to_owned(),
        value: toml,
    })
}

/// Checks that a typed value is valid for that key, whatever else the configuration says.
///
/// # Errors
/// What is wrong with the value.
pub fn check_typed(schema: &'static Schema, key: &str, value: &str) -> Result<(), EditError> {
    as_toml(schema, key, value)
        .map(drop)
        .map_err(EditError::Typed)
}

/// Returns a typed value as TOML, if it is valid for that key.
fn as_toml(schema: &'static Schema, name: &str, text: &str) -> Result<String, Report> {
    let source = Source {
        path: None,
        text: format!("{name} = {text}"),
    };
    let place = |span| Some(Place { source: 0, span });
    let key: &Key = schema.find(name).ok_or_else(|| {
        let near = nearest(name, schema.keys.iter().map(|key| key.name));
        let problem = Problem::error(format!("there is no key `{name}`"))
            .at(place(0..name.len()), "not known")
            .help(match schema.removed(name) {
                Some(why) => Some(format!("it was removed: {why}")),
                None => near.map(|near| format!("did you mean `{near}`?")),
            });
        Report::new(vec![problem], vec![source.clone()])
    })?;
    let parsed = key.kind.is_composed().then(|| raw::value(text)).flatten();
    // Of an array without its brackets, as a variable may have it, the text is no TOML.
    let as_typed = parsed.is_some();
    let raw = Raw {
        span: 0..0,
        is: parsed.unwrap_or_else(|| written(key.kind, text)),
    };
    match (key.kind.decode(&raw), raw.is) {
        (Ok(_), RawValue::Text(text)) => Ok(quoted(&text)),
        (Ok(value), RawValue::Number(_) | RawValue::Bool(_) | RawValue::Date) => {
            Ok(value.to_string())
        }
        (Ok(_), RawValue::List(_) | RawValue::Table(_)) if as_typed => Ok(text.trim().to_owned()),
        (Ok(value), RawValue::List(_) | RawValue::Table(_)) => Ok(value.to_string()),
        (Err(wrongs), _) => {
            let all = name.len() + 3..source.text.len();
            let problems = wrongs.into_iter().map(|wrong| {
                Problem::error(format!("`{name}` {}", wrong.is))
                    .at(place(all.clone()), wrong.label)
                    .help(wrong.help)
            });
            Err(Report::new(problems.collect(), vec![source]))
        }
    }
}

/// Everything that a text says, without the places.
type Leaves = BTreeMap<String, Option<RawValue>>;

fn leaves(schema: &'static Schema, entries: &[(Name, Raw)]) -> Leaves {
    fn collect(schema: &'static Schema, path: &str, entries: &[(Name, Raw)], found: &mut Leaves) {
        for (name, raw) in entries {
            let path = match path {
                "" => name.text.clone(),
                _ => format!("{path}.{}", name.text),
            };
            match &raw.is {
                RawValue::Table(entries) if schema.find(&path).is_none() => {
                    collect(schema, &path, entries, found);
                }
                value => {
                    found.insert(path, Some(value.clone()));
                }
            }
        }
    }
    let mut found = Leaves::new();
    collect(schema, "", entries, &mut found);
    found
}

/// Whether two texts say the same, regardless of the places.
fn same(one: &Leaves, other: &Leaves) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|((name, value), (other_name, other_value))| {
                name == other_name
                    && match (value, other_value) {
                        (Some(value), Some(other)) => value.says(other),
                        _ => false,
                    }
            })
}

/// Writes the file as a whole or not at all. It keeps its mode and owner unless others are wanted, and a link
/// stays a link.
fn write(path: &Path, text: &str, rights: Option<Rights>) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = folder_of(&target);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut draft = draft::Draft::of_many(&target, 0o600).map_err(|error| error.source)?;
    take_rights(&draft.file, &target, rights)?;
    let put = draft
        .write(text.as_bytes())
        .and_then(|()| draft.put(Survives::ALossOfPower));
    put.map_err(|error| error.source)
}

/// The owner, group and mode of a file that did not exist, from the owner and group of its writer and of its
/// folder. The file may hold keys, so only its owner may read it. If it is root's and the gateway's user is
/// to read it, the folder's group may read it as well.
const fn new_file(writer: (u32, u32), folder: (u32, u32)) -> Rights {
    let ((owner, group), mode) = match (writer.0, folder.0) {
        (0, 0) => ((0, folder.1), 0o640),
        (0, _) => (folder, 0o600),
        (_, _) => (writer, 0o600),
    };
    Rights { owner, group, mode }
}

/// Gives a new file these rights. Without them it gets those of the file that it replaces, or those of a file
/// that did not exist.
fn take_rights(file: &File, target: &Path, rights: Option<Rights>) -> io::Result<()> {
    let new = file.metadata()?;
    let owner = |found: &fs::Metadata| (found.uid(), found.gid());
    let wanted = match (rights, fs::metadata(target)) {
        (Some(rights), _) => rights,
        (None, Ok(old)) => Rights::of(&old),
        (None, Err(_)) => new_file(owner(&new), owner(&fs::metadata(folder_of(target))?)),
    };
    if (wanted.owner, wanted.group) != owner(&new) {
        fchown(file, Some(wanted.owner), Some(wanted.group))?;
    }
    file.set_permissions(fs::Permissions::from_mode(wanted.mode))
}

#[cfg(test)]
mod tests;
