//! Which PostgreSQL is taken: a folder of programs of a version that the migrations run on, and once there is a
//! database the version that made it, because no other one reads its files.

use std::{
    cmp::Reverse,
    fs,
    path::{Path, PathBuf},
};

use super::super::PROGRAMS;
use crate::{
    provision::model::{Candidates, FoundProgram, Program, ProgramFinder, ProgramPlace},
    services::postgres,
};

/// The folder of PostgreSQL's programs.
pub(crate) const PROGRAM: Program = Program {
    name: "postgres_bin",
    title: "PostgreSQL",
    place: |settings| ProgramPlace::of(settings.values.path(PROGRAMS)),
    find,
    choose,
};

/// The oldest version that the migrations run on.
pub(crate) const MINIMUM: u32 = 13;

/// All that set-up and the daemon run. A package for clients has only some of it.
const WHOLE: [&str; 4] = ["postgres", "initdb", "psql", "pg_isready"];

/// The newest first.
fn find(finder: &dyn ProgramFinder, named: Option<&Path>) -> Vec<FoundProgram> {
    let candidates: Vec<_> = match named {
        Some(folder) => vec![folder.to_owned()],
        None => {
            let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
            let debian = debian.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
            let on_path = finder.all("postgres").into_iter();
            let on_path = on_path.filter_map(|p| Some(p.canonicalize().ok()?.parent()?.to_owned()));
            debian.chain(on_path).collect()
        }
    };
    let mut found: Vec<_> = candidates
        .into_iter()
        .filter_map(|folder| look_into(finder, folder))
        .collect();
    found.sort_by_key(|found| Reverse(found.major()));
    found.dedup();
    found
}

fn look_into(finder: &dyn ProgramFinder, folder: PathBuf) -> Option<FoundProgram> {
    let mut whole = WHOLE.iter();
    if !whole.all(|program| finder.is_program(&folder.join(program))) {
        return None;
    }
    let told = finder.says(&folder.join("postgres"), &["--version"])?;
    Some(FoundProgram {
        path: folder,
        version: Some(major(&told)?),
    })
}

/// The major version in "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)".
fn major(told: &str) -> Option<String> {
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let number = told.split(' ').find(is_number)?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<u32>().ok().map(|major| major.to_string())
}

/// Of those that were found the one that fits the database, and the newest where there is no database.
pub(crate) fn fitting(found: &[FoundProgram], cluster_major: Option<u32>) -> Option<&FoundProgram> {
    found.iter().find(|found| {
        found.major().is_some_and(|major| {
            major >= MINIMUM && cluster_major.is_none_or(|cluster| cluster == major)
        })
    })
}

fn choose(among: &Candidates<'_>) -> Result<PathBuf, String> {
    if let Some(found) = fitting(among.found, among.cluster_major) {
        return Ok(found.path.clone());
    }
    Err(match among.cluster_major {
        Some(cluster) => format!(
            "the database in {} was made by PostgreSQL {cluster}, whose programs were not found: \
             install postgresql-{cluster}, or name its folder of programs with [programs] postgres_bin",
            postgres::data(among.paths).display()
        ),
        None => format!(
            "PostgreSQL {MINIMUM} or newer was not found: on Debian and Ubuntu run 'sudo apt install \
             postgresql' (its own cluster is left alone), or name its folder of programs with \
             [programs] postgres_bin"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        for (told, version) in [
            (
                "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)",
                Some("15"),
            ),
            ("postgres (PostgreSQL) 18beta1", Some("18")),
            ("postgres (PostgreSQL)", None),
        ] {
            assert_eq!(major(told).as_deref(), version, "{told}");
        }
    }

    #[test]
    fn a_database_is_only_for_the_version_that_made_it() {
        let found = ["17", "13", "12"].map(|version| FoundProgram {
            path: format!("/{version}").into(),
            version: Some(version.into()),
        });
        let place = |cluster| fitting(&found, cluster).map(|found| found.path.clone());
        assert_eq!(place(None), Some("/17".into()));
        assert_eq!(place(Some(13)), Some("/13".into()));
        assert_eq!(place(Some(15)), None);
        assert_eq!(place(Some(12)), None, "it is too old for the migrations");
    }
}
