//! What `deny.toml` says of dependencies holds, also where `cargo deny` is not installed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

/// More than this in Cargo.lock, and somebody should ask what they are all for.
const PACKAGES_MAX: usize = 200;

fn deny() -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml");
    fs::read_to_string(path).unwrap().parse().unwrap()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    match metadata["packages"].take() {
        Value::Array(packages) => packages,
        other => panic!("{other} are no packages"),
    }
}

#[test]
fn every_licence_is_one_that_we_allow() {
    let deny = deny();
    let allowed = deny["licenses"]["allow"].as_array().unwrap().iter();
    let allowed: BTreeSet<_> = allowed.map(|name| name.as_str().unwrap()).collect();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or_default();
        let expression = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX)
            .unwrap_or_else(|error| panic!("{name} says {licence:?}: {error}"));
        let is_allowed = |needed: &spdx::LicenseReq| {
            needed
                .license
                .id()
                .is_some_and(|id| allowed.contains(id.name))
        };
        assert!(expression.evaluate(is_allowed), "{name} is under {licence}");
    }
}

#[test]
fn nothing_that_we_ban_is_among_them() {
    let deny = deny();
    let banned = deny["bans"]["deny"].as_array().unwrap().iter();
    let banned: BTreeSet<_> = banned.map(|ban| ban["crate"].as_str().unwrap()).collect();
    assert!(!banned.is_empty());
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(name), "{name} is banned by deny.toml");
        let source = package["source"].as_str();
        let from_a_registry = source.is_none_or(|source| source.starts_with("registry+"));
        assert!(from_a_registry, "{name} comes from {source:?}");
    }
}

#[test]
fn there_are_not_too_many() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = fs::read_to_string(path).unwrap();
    let count = lock.matches("[[package]]").count();
    assert!(count <= PACKAGES_MAX, "{count} packages");
}
