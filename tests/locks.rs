//! The requirement files in `locks/` keep what set-up relies on: every package pinned by hash, no
//! address of an index, valid from Python 3.11.0 on, and nothing that was left out on purpose.

use std::{fs, path::PathBuf};

fn lock(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("locks")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The requirement lines with their continuation lines joined, comments dropped.
fn requirements(text: &str) -> Vec<String> {
    text.replace("\\\n", " ")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

const LOCKS: [&str; 4] = ["litellm.txt", "open-webui.txt", "tests.txt", "tools.txt"];

#[test]
fn every_requirement_is_pinned_and_carries_a_hash() {
    for name in LOCKS {
        let requirements = requirements(&lock(name));
        assert!(!requirements.is_empty(), "{name} is empty");
        for requirement in requirements {
            assert!(
                requirement.contains("=="),
                "{name}: not pinned: {requirement}"
            );
            assert!(
                requirement.contains("--hash=sha256:"),
                "{name}: no hash: {requirement}"
            );
        }
    }
}

#[test]
fn no_lock_names_the_address_of_an_index() {
    for name in LOCKS {
        assert!(!lock(name).contains("://"), "{name} holds an address");
    }
}

#[test]
fn litellm_has_async_timeout_on_pythons_below_3_11_3() {
    let text = lock("litellm.txt");
    assert!(
        text.lines()
            .any(|l| l.starts_with("async-timeout==")
                && l.contains("python_full_version < '3.11.3'")),
        "without it LiteLLM dies at import on Debian 12's Python 3.11.2"
    );
}

#[test]
fn open_webui_comes_without_its_local_machine_learning() {
    let installed = requirements(&lock("open-webui.txt"));
    for line in requirements(&lock("open-webui.without")) {
        let name = line.split(';').next().unwrap_or_default().trim();
        assert!(
            !installed
                .iter()
                .any(|r| r.starts_with(&format!("{name}=="))),
            "{name} is left out by open-webui.without, yet locked"
        );
    }
}
