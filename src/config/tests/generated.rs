//! What is made from the list of keys is in step with it.

use super::*;

/// The file of the project at `path` is what `made` says. `UPDATE_GENERATED=1` writes it.
pub(crate) fn assert_generated(path: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let path = path.display();
    assert!(
        there == made,
        "{path} is out of step: UPDATE_GENERATED=1 cargo test writes it"
    );
}

#[test]
fn the_example_and_the_reference_are_in_step_with_the_keys() {
    assert_generated(
        "gateway.example.toml",
        &example::example(services::schema()),
    );
    assert_generated(
        "docs/configuration.md",
        &example::reference(services::schema()),
    );
}

#[test]
fn the_example_changes_nothing_until_a_comment_is_taken_away() {
    let example = load_text(&example::example(services::schema())).unwrap();
    assert!(example.warnings.is_empty(), "{}", example.warnings);
    assert_eq!(example.settings, load_text("").unwrap().settings);
}

#[test]
fn every_line_of_the_example_is_right_without_its_comment() {
    let example = example::example(services::schema());
    let lines = example.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
        _ => line,
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let loaded = load_text(&text).unwrap_or_else(|report| panic!("{report}"));
    for key in &services::schema().keys {
        let name = match key.table() {
            "limits.*" => key.name.replace('*', "litellm"),
            "service.*" => key.name.replace('*', "mailer"),
            _ => key.name.to_owned(),
        };
        let from = loaded.origin(&name);
        assert!(matches!(from, Origin::File { .. }), "{name}: {from}");
    }
    assert_eq!(loaded.settings.custom.len(), 1);
}

#[test]
fn every_key_has_a_name_of_its_own_and_a_default_that_reads() {
    let mut seen = std::collections::BTreeSet::new();
    for key in &services::schema().keys {
        assert!(seen.insert(key.name.to_owned()), "{}", key.name);
        if let Some(variable) = key.variable() {
            assert!(seen.insert(variable), "{}", key.name);
        }
        assert_eq!(key.short.is_none(), key.of_a_service(), "{}", key.name);
        if let schema::Default::Value(_) = key.default {
            assert!(resolve::default_of(key).is_some(), "{}", key.name);
        }
        let table = services::schema()
            .tables
            .iter()
            .find(|(table, _)| *table == key.table());
        assert!(table.is_some(), "{}", key.name);
    }
}
