//! Where nginx is.

use std::path::{Path, PathBuf};

use super::settings;
use crate::provision::{
    catalog::Brought,
    model::{Candidates, FoundProgram, Program, ProgramFinder, ProgramPlace},
};

/// nginx itself.
pub(super) const PROGRAM: Program = Program {
    name: "nginx",
    title: "nginx",
    place: |settings| ProgramPlace::of(settings.values.path(settings::PROGRAM)),
    find,
    choose,
};

pub(super) const SET_UP: Brought = Brought {
    programs: &[PROGRAM],
    ..Brought::NOTHING
};

fn find(finder: &dyn ProgramFinder, named: Option<&Path>) -> Vec<FoundProgram> {
    let path = finder.named_or_first(named, "nginx");
    let found = path.map(|path| FoundProgram {
        // It tells its version on its standard error.
        version: version(finder.tells(&path, &["-v"])),
        path,
    });
    found.into_iter().collect()
}

/// The version in "nginx version: nginx/1.22.1".
fn version(told: Option<String>) -> Option<String> {
    let told = told?;
    let (_, version) = told.split_once("nginx/")?;
    version.split_whitespace().next().map(str::to_owned)
}

/// Every version does.
fn choose(among: &Candidates<'_>) -> Result<PathBuf, String> {
    let first = among.found.first();
    first.map(|found| found.path.clone()).ok_or_else(|| {
        "nginx was not found: on Debian and Ubuntu run 'sudo apt install nginx-light', or name it \
         with [programs] nginx"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_version_is_read_from_what_it_says() {
        let told = |text: &str| version(Some(text.to_owned()));
        let debian = told("nginx version: nginx/1.22.1");
        assert_eq!(debian.as_deref(), Some("1.22.1"));
        let ubuntu = told("nginx version: nginx/1.24.0 (Ubuntu)");
        assert_eq!(ubuntu.as_deref(), Some("1.24.0"));
        assert_eq!(told("error while loading shared libraries"), None);
        assert_eq!(version(None), None);
    }
}
