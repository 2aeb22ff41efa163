//! That the folder `python` and what is embedded of it are in step.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    python,
    services::{litellm, open_webui, uvicorn::IN_BOTH},
};

#[test]
fn every_module_is_embedded_once() {
    let commands = [
        python::DOWNLOAD,
        python::INTERPRETER,
        litellm::python::COMPILE,
        litellm::python::VIEWS,
        open_webui::python::PASSWORD_HASH,
    ];
    let mut embedded = BTreeMap::new();
    let modules = [
        IN_BOTH,
        litellm::python::MODULES,
        open_webui::python::MODULES,
    ]
    .concat();
    for contents in modules.iter().map(|module| module.1).chain(commands) {
        *embedded.entry(contents).or_insert(0) += 1;
    }
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    for folder in folders(&base) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|kind| kind == "py") {
                let contents = fs::read_to_string(&path).unwrap();
                let times = embedded.remove(contents.as_str()).unwrap_or(0);
                let path = path.display();
                assert_eq!(times, 1, "{path} is to be embedded once");
            }
        }
    }
    assert!(embedded.is_empty(), "{:?}", embedded.keys());
}

/// Those that have something to embed: all but the tests.
fn folders(base: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(base).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    folders
        .filter(|path| path.is_dir() && !path.ends_with("tests"))
        .collect()
}

#[test]
fn no_service_has_two_modules_of_one_name() {
    for own in [litellm::python::MODULES, open_webui::python::MODULES] {
        let mut names: Vec<_> = own.iter().chain(IN_BOTH).map(|module| module.0).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
}
