//! A service more takes a folder and a line in a list: all else follows from that.

use std::sync::LazyLock;

use sys::journal::Priority;

use super::{super::*, file, installed, paths, valkey};
use crate::{
    config::{self, Input, example, profile::Profile, schema::Schema},
    doctor,
    provision::{
        self,
        model::{FoundProgram, SetUpRecord, Survey},
    },
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
        &installed(&LIST, &loaded.settings),
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
    let named = loaded("programs.valkey = \"/opt/valkey\"").unwrap();
    assert_eq!(SCHEMA.programs(&named.values).len(), 1);
}

/// What set-up would do for these settings where this was found of its program.
fn set_up(text: &str, versions: &[&str]) -> provision::Plan {
    let found = versions.iter().map(|version| FoundProgram {
        path: format!("/opt/valkey-{version}/bin/valkey-server").into(),
        version: Some((*version).to_owned()),
    });
    let survey = Survey {
        programs: [(valkey::set_up::PROGRAM.name, found.collect())].into(),
        ..Survey::default()
    };
    let wanted = catalog_of(&LIST).wanted(&loaded(text).unwrap().settings);
    provision::plan(&paths(), &survey, &wanted)
}

#[test]
fn set_up_looks_for_its_program_and_says_so_where_none_does() {
    let told = |plan: &provision::Plan| plan.to_string();
    let missing = "Blocking problem: Valkey 8 or newer was not found: install valkey";
    assert!(told(&set_up("", &[])).contains(missing));
    assert!(told(&set_up("", &["7.2.4"])).contains(missing));
    let found = told(&set_up("", &["7.2.4", "8.1.1"]));
    assert!(
        found.contains("\nValkey: /opt/valkey-8.1.1/bin/valkey-server\n"),
        "{found}"
    );
    let off = told(&set_up("valkey.enabled = false", &[]));
    assert!(!off.contains("Valkey"), "{off}");
}

/// An earlier program, put back, must find what it looks for in the record that this one has written.
#[test]
fn no_program_has_a_name_that_the_record_of_set_up_uses_for_something_else() {
    let of_the_record = serde_json::to_value(SetUpRecord::default()).unwrap();
    let wanted = catalog_of(&LIST).wanted(&loaded("").unwrap().settings);
    for (program, _) in &wanted.programs {
        let name = program.name;
        let taken = ["generations", "major"].contains(&name) || of_the_record.get(name).is_some();
        assert!(!taken && !name.ends_with("_migrations"), "{name}");
    }
    let mut names: Vec<_> = wanted.programs.iter().map(|(of, _)| of.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), wanted.programs.len(), "two have one name");
}

/// As a preview of a change does that would need more of set-up than is there.
#[test]
fn a_plan_needs_nothing_of_set_up_to_be_made() {
    let nothing = Installation::default();
    let settings = loaded("").unwrap().settings;
    let secrets = secrets_of_all();
    let stack = plan(&LIST, &settings, &paths(), &nothing, &secrets, None);
    for spec in &stack.services {
        let program = &spec.command.program;
        assert!(program.starts_with("/nonexistent"), "{}", program.display());
    }
}
