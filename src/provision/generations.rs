//! The generations on the disk: what is there, which is current, and the switch from one to the next.
//!
//! `setup.json` says which generation is current, and its replacement is the switch: whoever reads it
//! sees the old generation or the new one, for all payloads and the state of the database together,
//! at whatever moment set-up was killed. Beside each payload's folders there is a link `current`. It
//! is a signpost, for people and for a program from before the generations; it follows after the
//! switch, and one that a killed set-up has left behind is put right by the next. Only where the
//! record names no generation the links count: so an installation from before them is taken over.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::{
    error::SetupError,
    folders::sync_folder,
    model::{
        Damage, DatabaseState, Generations, Payload, PayloadFolder, SetUpRecord, Tables, Wanted,
    },
    payload_folder::{folder, is_complete, looked_at},
};
use crate::config::paths::Paths;

const CURRENT: &str = "current";

/// The payloads that are on the disk.
#[derive(Debug, Default)]
pub(super) struct PayloadSurvey {
    /// The wanted folders that are finished and lack nothing.
    pub(super) complete: BTreeSet<(Payload, String)>,
    /// What is wrong with those that were finished once.
    pub(super) damaged: Vec<Damage>,
    /// Every folder of a payload, finished or not.
    pub(super) folders: BTreeSet<PayloadFolder>,
    /// The name that each link `current` points to.
    pub(super) links: BTreeMap<String, String>,
}

/// Looks at the payloads, and at each file of those that are wanted.
pub(super) fn survey(paths: &Paths, wanted: &Wanted) -> PayloadSurvey {
    let mut found = PayloadSurvey {
        folders: folders(paths),
        links: links(paths),
        ..PayloadSurvey::default()
    };
    // Those that set-up runs come last: if anything is to be made, they are looked at closely.
    let (run, others): (Vec<_>, Vec<_>) = wanted
        .payloads
        .iter()
        .partition(|(payload, _)| payload.runs_in_set_up);
    let mut something_is_to_be_made = false;
    for (payload, name) in others.into_iter().chain(run).chain(&wanted.brought_python) {
        let thorough = payload.runs_in_set_up && something_is_to_be_made;
        match looked_at(&folder(paths, payload.name, name), *payload, thorough) {
            Some(None) => {
                found.complete.insert((*payload, name.clone()));
            }
            Some(Some(damage)) => {
                something_is_to_be_made = true;
                found.damaged.push(damage);
            }
            None => something_is_to_be_made = true,
        }
    }
    found
}

/// Returns the names in a folder, and no name where it cannot be read.
fn names(folder: &Path) -> impl Iterator<Item = String> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// Every folder that set-up could have made: `<version>-<8 digits>`. What else somebody has put there
/// is none of ours.
fn folders(paths: &Paths) -> BTreeSet<PayloadFolder> {
    let ours = |name: &String| {
        let hash = name.rsplit_once('-').map_or("", |(_, hash)| hash);
        hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let payloads = names(&paths.payloads());
    let mut found = BTreeSet::new();
    for payload in payloads {
        let inside = paths.payloads().join(&payload);
        let is_folder = |name: &String| {
            let meta = inside.join(name).symlink_metadata();
            meta.is_ok_and(|meta| meta.is_dir())
        };
        let own = names(&inside).filter(ours).filter(is_folder);
        found.extend(own.map(|name| (payload.clone(), name)));
    }
    found
}

fn links(paths: &Paths) -> BTreeMap<String, String> {
    let found = names(&paths.payloads()).filter_map(|payload| {
        let target = fs::read_link(link(paths, &payload)).ok()?;
        Some((payload, target.to_str()?.to_owned()))
    });
    found.collect()
}

fn link(paths: &Paths, payload: &str) -> PathBuf {
    paths.payloads().join(payload).join(CURRENT)
}

/// Returns which generation is current, and which was before.
pub(super) fn read(paths: &Paths, record: &SetUpRecord) -> Generations {
    match &record.generations {
        Some(generations) if generations.current.is_some() => generations.clone(),
        Some(_) | None => Generations::of_links(&links(paths), &record.database),
    }
}

/// The current folder of a payload, if it is the one that is wanted and is finished.
pub(super) fn current(
    paths: &Paths,
    generations: &Generations,
    payload: Payload,
    wanted: Option<&str>,
) -> Option<PathBuf> {
    let name = generations
        .folder(payload.name)
        .filter(|name| Some(*name) == wanted)?;
    let found = folder(paths, payload.name, name).canonicalize().ok()?;
    is_complete(&found, payload).then_some(found)
}

/// One change of the disk. Between any two set-up may be killed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    /// Replace the record: the switch itself.
    Record(Box<SetUpRecord>),
    /// Remove a link that another set-up has left half-way.
    RemoveLeft(PathBuf),
    /// Make a link of this name.
    Link(String, PathBuf),
    /// Put one file in the place of another.
    Rename(PathBuf, PathBuf),
    /// Let the names in a folder survive a loss of power.
    Flush(PathBuf),
}

impl Operation {
    fn carry_out(&self, paths: &Paths) -> Result<(), SetupError> {
        match self {
            Self::Record(record) => record.write(&paths.state),
            Self::RemoveLeft(path) => match fs::remove_file(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    Err(SetupError::io("remove", path)(e))
                }
                Ok(()) | Err(_) => Ok(()),
            },
            Self::Link(to, path) => symlink(to, path).map_err(SetupError::io("create", path)),
            Self::Rename(from, to) => fs::rename(from, to).map_err(SetupError::io("replace", to)),
            Self::Flush(folder) => sync_folder(folder),
        }
    }
}

/// What a switch changes on the disk, in this order: the record, then each link that differs.
fn operations(paths: &Paths, record: &SetUpRecord) -> Vec<Operation> {
    let current = record.generations.iter().find_map(|g| g.current.as_ref());
    let links = links(paths);
    let mut all = vec![Operation::Record(Box::new(record.clone()))];
    for (payload, name) in current.into_iter().flat_map(|current| &current.payloads) {
        let place = link(paths, payload);
        // A payload that is not wanted may have been removed by hand.
        let there = folder(paths, payload, name).is_dir();
        if there && links.get(payload) != Some(name) {
            let beside = place.with_file_name(".current.new");
            all.extend([
                Operation::RemoveLeft(beside.clone()),
                Operation::Link(name.clone(), beside.clone()),
                Operation::Rename(beside, place.clone()),
                Operation::Flush(paths.payloads().join(payload)),
            ]);
        }
    }
    all
}

/// Makes a generation of these payloads, and of the database as it is recorded, the current one.
pub(super) fn switch(
    paths: &Paths,
    record: &mut SetUpRecord,
    payloads: &BTreeMap<String, String>,
) -> Result<(), SetupError> {
    let before = record.generations.take().unwrap_or_default();
    record.generations = Some(before.switched(payloads, &record.database));
    operations(paths, record)
        .iter()
        .try_for_each(|operation| operation.carry_out(paths))
}

/// Takes over an installation from before the generations. This comes before any step, because the links go with the
/// database as it is now, and no longer once its tables are those of the next generation. What a set-up has left that
/// was cut off could never be started, so it is no generation to go back to.
pub(super) fn take_over(paths: &Paths, record: &mut SetUpRecord, tables: &[Tables]) {
    let found = read(paths, record);
    let is_new = record.generations.is_none();
    if is_new && found.current.is_some() && fits(&found, &record.database, tables) {
        record.generations = Some(found);
    }
}

/// Whether the tables are those of the payloads that are in use.
fn fits(generations: &Generations, database: &DatabaseState, tables: &[Tables]) -> bool {
    let mut migrated = tables.iter().filter_map(|tables| {
        let folder = database.migrations.get(tables.name)?;
        Some(generations.folder(tables.payload.name) == Some(folder))
    });
    !database.migrations.is_empty() && migrated.all(|fits| fits)
}

/// The generations of a set-up that has switched to nothing, with its database as it is now.
pub(super) fn with_database(paths: &Paths, record: &SetUpRecord) -> Option<Generations> {
    let found = read(paths, record).with_database(&record.database);
    found.current.is_some().then_some(found)
}

#[cfg(test)]
mod tests;
