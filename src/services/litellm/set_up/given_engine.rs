//! A native query engine that is on the machine already, and that the settings name.

use std::path::{Path, PathBuf};

use super::super::settings::EngineSource;
use crate::{
    config::settings::Settings,
    provision::model::{Candidates, FoundProgram, Program, ProgramFinder, ProgramPlace},
};

/// The engine itself. It is never looked for.
pub(super) const PROGRAM: Program = Program {
    name: "query_engine",
    title: "Native query engine",
    place,
    find,
    choose,
};

fn place(settings: &Settings) -> ProgramPlace {
    match EngineSource::of(settings) {
        EngineSource::Program(path) => ProgramPlace::Named(path),
        EngineSource::Wasm | EngineSource::Download { .. } => ProgramPlace::NotNeeded,
    }
}

fn find(finder: &dyn ProgramFinder, named: Option<&Path>) -> Vec<FoundProgram> {
    let named = named.filter(|path| finder.is_program(path));
    let found = named.map(|path| FoundProgram {
        path: path.to_owned(),
        version: None,
    });
    found.into_iter().collect()
}

fn choose(among: &Candidates<'_>) -> Result<PathBuf, String> {
    let first = among.found.first();
    first.map(|found| found.path.clone()).ok_or_else(|| {
        let named = among.named.unwrap_or(Path::new(""));
        format!(
            "[engine] path names {}, which is no program",
            named.display()
        )
    })
}
