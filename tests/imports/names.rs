//! What the program knows of a service stands in the room of that service. The rest of the program names none, so
//! that a service more is a room more and no change elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The services that the gateway brings along, and what belongs to one of them alone.
const NAMES: [&str; 8] = [
    "litellm",
    "open webui",
    "open-webui",
    "open_webui",
    "nginx",
    "postgres",
    "prisma",
    "psql",
];

/// The files and folders of `src` that are about no single service.
const GENERIC: [&str; 3] = ["provision", "doctor", "disk.rs"];

/// The files of Rust in a folder, or the one file, but for those that are tests as a whole.
fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder of the source") {
            files(&entry.expect("an entry of it").path(), found);
        }
        return;
    }
    let is_test = ["tests", "fixtures"].map(|name| {
        let mut parts = path.iter().map(Path::new);
        parts.any(|part| part.with_extension("") == Path::new(name))
    });
    if path.extension().is_some_and(|of| of == "rs") && is_test == [false; 2] {
        found.push(path.to_owned());
    }
}

/// The lines of a file above its tests that name a service.
fn naming(text: &str) -> Vec<String> {
    let above = text.split("#[cfg(test)]\nmod tests {").next();
    let lines = above.unwrap_or_default().lines();
    let naming = lines.filter(|line| {
        let line = line.to_lowercase();
        NAMES.iter().any(|name| line.contains(name))
    });
    naming.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn what_is_about_no_single_service_names_none() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    for path in GENERIC {
        files(&source.join(path), &mut all);
    }
    assert!(all.len() > 50, "{all:?}");
    let mut told = String::new();
    for file in all {
        for line in naming(&fs::read_to_string(&file).unwrap()) {
            told += &format!("\n  {}: {line}", file.display());
        }
    }
    assert!(told.is_empty(), "these lines name a service:{told}");
}

#[test]
fn a_name_in_any_case_is_found_and_a_test_may_name_whom_it_likes() {
    let text = "/// As LiteLLM does.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    // nginx\n}\n";
    assert_eq!(naming(text), ["/// As LiteLLM does."]);
}
