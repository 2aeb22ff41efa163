//! What a person who writes `gateway.toml` sees.

use super::*;
use crate::services;

/// A machine with "2 GB", as it reports itself.
const SMALL: Resources = Resources {
    memory_bytes: 2_083_000_000,
    cpus: 2,
};

pub(super) fn load_text(text: &str) -> Result<Loaded, Report> {
    load_all(text, &[], &[], Some(SMALL))
}

fn load_all(
    text: &str,
    env: &[(&str, &str)],
    flags: &[(&str, &str)],
    machine: Option<Resources>,
) -> Result<Loaded, Report> {
    load(&Input {
        schema: services::schema(),
        file: Some(("gateway.toml".into(), text.into())),
        env: &|name| {
            let found = env.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        },
        flags,
        machine,
    })
}

fn report(text: &str) -> String {
    load_text(text).unwrap_err().to_string()
}

/// The titles of the problems that there are.
fn titles(text: &str) -> Vec<String> {
    let report = load_text(text).unwrap_err();
    report.titles().map(str::to_owned).collect()
}

#[test]
fn nothing_said_is_enough() {
    let loaded = load_text("").unwrap();
    assert_eq!(loaded.settings.profile, "small");
    assert_eq!(loaded.settings.listen.port, 3000);
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let no_file = Input {
        schema: services::schema(),
        file: None,
        env: &|_| None,
        flags: &[],
        machine: Some(SMALL),
    };
    let without = load(&no_file).unwrap();
    assert_eq!(without.settings, loaded.settings);
    assert_eq!(without.rows, loaded.rows);
}

fn row<'a>(loaded: &'a Loaded, key: &str) -> (Option<&'a str>, String) {
    let row = loaded.rows.iter().find(|row| row.key == key).unwrap();
    (row.value.as_deref(), row.origin.to_string())
}

#[test]
fn every_layer_covers_the_one_below_and_says_so() {
    let key = "litellm.workers";
    let file = "profile = \"small\"\n[litellm]\nworkers = 2\n";
    let env: &[_] = &[("AI_GATEWAY_WORKERS", "3")];
    let flags: &[_] = &[(key, "4"), ("listen.port", "80")];
    let profile = load_all("profile = \"small\"", &[], &[], None).unwrap();
    assert_eq!(row(&profile, key), (Some("1"), "profile small".into()));
    assert_eq!(row(&profile, "profile").1, "gateway.toml:1");
    assert_eq!(
        row(&profile, "listen.port"),
        (Some("3000"), "default".into())
    );
    let loaded = load_all(file, &[], &[], None).unwrap();
    assert_eq!(row(&loaded, key), (Some("2"), "gateway.toml:3".into()));
    let loaded = load_all(file, env, &[], None).unwrap();
    let from_env = "environment AI_GATEWAY_WORKERS".into();
    assert_eq!(row(&loaded, key), (Some("3"), from_env));
    let loaded = load_all(file, env, flags, None).unwrap();
    assert_eq!(
        row(&loaded, key),
        (Some("4"), "flag litellm.workers".into())
    );
    assert_eq!(loaded.values.whole(key), Some(4));
    let from_flag = "flag --port".into();
    assert_eq!(row(&loaded, "listen.port"), (Some("80"), from_flag));
}

fn paths(config: PathBuf) -> Paths {
    Paths {
        config,
        state: "/nowhere".into(),
        run: "/nowhere".into(),
    }
}

#[test]
fn a_file_need_not_be_there_but_must_be_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    let read = || {
        read_with(
            services::schema(),
            &paths(path.clone()),
            &|_| None,
            &[],
            Some(SMALL),
        )
    };
    assert_eq!(read().unwrap().settings, load_text("").unwrap().settings);
    std::fs::write(&path, b"# a\nbudget = \xff").unwrap();
    let error = read().unwrap_err().to_string();
    assert!(
        error.ends_with("is not UTF-8 text at line 2, column 10"),
        "{error}"
    );
    std::fs::write(&path, "budget = 5").unwrap();
    assert_eq!(read().unwrap().settings.budget.usd, 5.0);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(read(), Err(LoadError::Read { .. })));
}

pub(crate) mod generated;
mod limits;
mod listening;
mod mistakes;
mod properties;
mod values;
mod warnings;
mod working_sets;
