//! Where it is, and its secret.

use std::path::{Path, PathBuf};

use super::{PASSWORD, settings};
use crate::{
    config::settings::Settings,
    provision::{
        catalog::Brought,
        model::{Candidates, FoundProgram, Program, ProgramFinder, ProgramPlace},
    },
};

pub(in crate::services::tests) const PROGRAM: Program = Program {
    name: "valkey",
    title: "Valkey",
    place,
    find,
    choose,
};

pub(super) const SET_UP: Brought = Brought {
    programs: &[PROGRAM],
    secrets: &[PASSWORD],
    ..Brought::NOTHING
};

fn place(settings: &Settings) -> ProgramPlace {
    if settings::is_on(settings) {
        ProgramPlace::of(settings::program(settings))
    } else {
        ProgramPlace::NotNeeded
    }
}

/// It says "Valkey server v=8.1.1 sha=00000000:0 ...".
fn find(finder: &dyn ProgramFinder, named: Option<&Path>) -> Vec<FoundProgram> {
    let path = finder.named_or_first(named, "valkey-server");
    let found = path.map(|path| {
        let told = finder.says(&path, &["--version"]).unwrap_or_default();
        let version = told.split_once("v=").map(|(_, version)| version);
        let version = version.and_then(|version| version.split(' ').next());
        FoundProgram {
            path,
            version: version.map(str::to_owned),
        }
    });
    found.into_iter().collect()
}

/// Version 8 is the first that says who it is in this way.
fn choose(among: &Candidates<'_>) -> Result<PathBuf, String> {
    let mut found = among.found.iter();
    let new = found.find(|found| found.major() >= Some(8));
    new.map(|found| found.path.clone())
        .ok_or_else(|| "Valkey 8 or newer was not found: install valkey".to_owned())
}
