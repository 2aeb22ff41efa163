//! LiteLLM's migrations against a real database: cut off, changed, gone on from.

use std::fs;

use ai_gateway::provision::SetupError;

use super::machine::{Heard, Machine};

const NAMES: &str = "SELECT string_agg(left(migration_name, 8) || CASE WHEN finished_at IS NULL THEN ' begun' ELSE '' END, ' ' ORDER BY migration_name) AS names FROM _prisma_migrations";

/// As if this set-up's LiteLLM were new: what it has recorded about the migrations is forgotten.
fn forget(machine: &Machine) {
    fs::remove_file(machine.paths().state.join("setup.json")).unwrap();
}

/// The migrations as installed.
fn installed_migration(machine: &Machine, name: &str) -> std::path::PathBuf {
    // Not by the link: there is none where the first set-up has failed.
    let folders = machine.paths().payloads().join("litellm");
    let mut found = fs::read_dir(folders)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let environment = found.find(|path| !path.is_symlink()).unwrap();
    environment
        .join("lib/python3.11/site-packages/litellm_proxy_extras/migrations")
        .join(name)
        .join("migration.sql")
}

#[test]
fn a_migration_that_fails_leaves_what_was_before_it_and_is_done_when_it_is_mended() {
    let machine = Machine::new();
    machine.migration(
        "20250102_b",
        "CREATE TABLE two (a int); SELECT no_such_column FROM two;",
    );
    let error = machine.setup().unwrap_err().to_string();
    assert!(
        error.contains("migrating LiteLLM's tables failed"),
        "{error}"
    );
    assert!(
        error.contains("no_such_column"),
        "what psql said is shown: {error}"
    );
    assert_eq!(machine.query("litellm", NAMES), "20250101 20250102");
    assert_eq!(
        machine.query(
            "litellm",
            "SELECT count(*) AS n FROM pg_tables WHERE tablename = 'two'"
        ),
        "0",
        "nothing of the failed one is left"
    );
    let mended = "CREATE TABLE two (a int);";
    fs::write(installed_migration(&machine, "20250102_b"), mended).unwrap();
    machine.setup().unwrap();
    assert_eq!(
        machine.query("litellm", NAMES),
        "20250101 20250102 20250102 20250103"
    );
}

#[test]
fn an_index_that_was_cut_off_is_made_again() {
    let machine = Machine::new();
    machine.setup().unwrap();
    // As PostgreSQL leaves it when the connection ends in the middle.
    machine.query(
        "litellm",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '\"One_a_idx\"'::regclass",
    );
    machine.query("litellm", "UPDATE _prisma_migrations SET finished_at = NULL, applied_steps_count = 0 WHERE migration_name LIKE '20250102%'");
    assert_eq!(
        machine.query("litellm", NAMES),
        "20250101 20250102 begun 20250103"
    );
    forget(&machine);
    machine.setup().unwrap();
    assert_eq!(
        machine.query("litellm", NAMES),
        "20250101 20250102 20250103"
    );
    assert_eq!(
        machine.query(
            "litellm",
            "SELECT count(*) AS n FROM pg_index WHERE NOT indisvalid"
        ),
        "0"
    );
}

#[test]
fn a_migration_that_changed_after_it_was_applied_stops_set_up() {
    let machine = Machine::new();
    machine.setup().unwrap();
    fs::write(
        installed_migration(&machine, "20250101_one"),
        "CREATE TABLE other ();",
    )
    .unwrap();
    forget(&machine);
    let error = machine.setup().unwrap_err();
    assert!(matches!(error, SetupError::Refused(_)), "{error}");
    assert!(error.to_string().contains("20250101_one"), "{error}");
}

#[test]
fn what_another_tool_has_applied_is_not_applied_again() {
    let machine = Machine::new();
    machine.setup().unwrap();
    forget(&machine);
    let mut heard = Heard::new(|_| {});
    machine.setup_heard(&mut heard).unwrap();
    let about_them = |line: &String| line.contains("2025010");
    assert!(!heard.lines.iter().any(about_them), "{:?}", heard.lines);
    assert_eq!(
        machine.query("litellm", NAMES),
        "20250101 20250102 20250103"
    );
}

#[test]
fn views_that_cannot_be_made_are_left_to_litellms_first_start() {
    let machine = Machine::new();
    machine.views("raise ImportError('it is elsewhere now')");
    let mut heard = Heard::new(|_: &str| {});
    machine.setup_heard(&mut heard).unwrap();
    assert!(
        heard
            .lines
            .iter()
            .any(|line| line.contains("it is elsewhere now")
                && line.contains("LiteLLM's first start makes its views")),
        "{:?}",
        heard.lines
    );
}
