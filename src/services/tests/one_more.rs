//! A service more takes a folder and a line in a list: all else follows from that.

use std::sync::LazyLock;

use sys::journal::Priority;

use super::{super::*, file, installed, paths, valkey};
use crate::{
    config::{self, Input, example, profile::Profile, schema::Schema},
    doctor,
    secrets::SecretStore,
    stack::Stack,
};

static LIST: LazyLock<Vec<&Service>> = LazyLock::new(|| {
    let mut list = ALL.to_vec();
    list.push(&valkey::SERVICE);
    list
});

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| schema_of(&LIST));

fn loaded(text: &str) -> Result<config::Loaded, config::Report> {
    config::load(&Input {
        schema: &SCHEMA,
        file: Some(("gateway.toml".into(), text.into())),
        env: &|_| None,
        flags: &[],
        machine: None,
    })
}

/// Made and read, as set-up and a start do.
fn secrets_of_all() -> Secrets {
    let folder = tempfile::tempdir().unwrap();
    let store = SecretStore::new(folder.path().join("secrets"));
    let catalog = catalog_of(&LIST);
    let made = store.make_missing(catalog.secrets(), None).unwrap();
    assert!(made.contains(&valkey::PASSWORD));
    Secrets::of(catalog.secrets(), &store).unwrap()
}

fn stack(text: &str) -> Stack {
    let loaded = loaded(text).unwrap_or_else(|report| panic!("{report}"));
    plan(
        &LIST,
        &loaded.settings,
        &paths(),
        &installed(),
        &secrets_of_all(),
        None,
    )
}

#[test]
fn it_is_planned_with_its_limits_and_its_files() {
    let stack = stack("profile = \"small\"");
    let spec = stack
        .services
        .iter()
        .find(|spec| spec.name.as_str() == "valkey");
    let spec = spec.expect("it is on by default");
    assert_eq!(spec.limits.memory_max, Some(64_000_000));
    assert_eq!(spec.limits.cpu_weight, Some(150));
    let config = file(&stack, "valkey.conf");
    assert!(config.contains("maxmemory 48000000\n"));
    let (_, password) = config.split_once("requirepass ").unwrap();
    assert_eq!(password.trim().len(), 64);
    let dialect = stack.particulars.dialects[&spec.name];
    assert_eq!(dialect("1:M # out of memory"), Some(Priority::Warning));
}

#[test]
fn its_keys_are_keys_like_all_others() {
    let off = stack("[valkey]\nenabled = false");
    assert!(
        off.services
            .iter()
            .all(|spec| spec.name.as_str() != "valkey")
    );
    let named =
        stack("[programs]\nvalkey = \"/opt/valkey\"\n[limits.valkey]\nmemory_max = \"32 MB\"");
    let spec = named
        .services
        .iter()
        .find(|spec| spec.name.as_str() == "valkey")
        .unwrap();
    assert_eq!(spec.command.program, std::path::Path::new("/opt/valkey"));
    assert_eq!(spec.limits.memory_max, Some(32_000_000));
    for (wrong, told) in [
        ("[valkey]\nenabeld = true", "did you mean `enabled`?"),
        (
            "[limits.valkey]\nmemory_max = \"1 MB\"",
            "valkey cannot run in 1 MB",
        ),
        (
            "[service.valkey]\ncommand = [\"/bin/a\"]",
            "the name \"valkey\" is taken",
        ),
        (
            "valkey.enabled = false\n[service.a]\ncommand = [\"/bin/a\"]\nrequires = [\"valkey\"]",
            "`valkey.enabled` is false",
        ),
    ] {
        let report = loaded(wrong).unwrap_err().to_string();
        assert!(report.contains(told), "{report}");
    }
}

#[test]
fn documents_profiles_and_the_doctor_know_it() {
    let reference = example::reference(&SCHEMA);
    for text in [
        "## [valkey]",
        "| valkey: memory_max | 16 MB | 64 MB |",
        "AI\\_GATEWAY\\_VALKEY",
    ] {
        assert!(reference.contains(text), "{text} is not in {reference}");
    }
    assert!(example::example(&SCHEMA).contains("[valkey]\n"));
    let small = Profile::named(&SCHEMA, "small").unwrap();
    let with: Vec<_> = SCHEMA.names().collect();
    let without: Vec<_> = schema().names().collect();
    assert_eq!(small.sum(&with), small.sum(&without) + 64_000_000);
    let checks = doctor::checks(LIST.iter().flat_map(|service| service.checks));
    assert!(checks.iter().any(|check| check.id == "valkey"));
    assert_eq!(SCHEMA.programs(&loaded("").unwrap().values).len(), 1);
}
