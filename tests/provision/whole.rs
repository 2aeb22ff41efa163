//! All of it, and all of it again.

use std::{fs, os::unix::fs::PermissionsExt as _};

use ai_gateway::{
    provision,
    services::{self, postgres},
};

use super::machine::Machine;

/// The first test below, which is also the process that other tests start to kill it.
pub(crate) const NAME: &str = "whole::a_bare_machine_is_set_up_and_then_there_is_nothing_to_do";

#[test]
fn a_bare_machine_is_set_up_and_then_there_is_nothing_to_do() {
    let machine = Machine::new();
    let installed = machine.setup().unwrap();
    assert_eq!(
        services::installed(&machine.paths(), &machine.settings),
        Ok(installed.clone())
    );
    assert!(installed.payloads["engine"].join("query-engine").is_file());
    assert!(installed.payloads["litellm"].join("bin/python").is_file());
    assert_eq!(installed.node_bin, machine.path("bin"));

    let calls = machine.calls();
    let compiled = calls.iter().filter(|call| *call == "compile True").count();
    assert_eq!(compiled, 1, "{calls:?}");
    let account = "account admin@localhost 600";
    assert!(calls.iter().any(|call| call == account), "{calls:?}");
    assert_eq!(machine.plan().steps, []);
    assert_eq!(machine.setup().unwrap(), installed);
    assert_eq!(machine.calls(), calls, "the second set-up ran something");
}

#[test]
fn the_database_is_the_services_own_and_knows_its_migrations() {
    let machine = Machine::new();
    machine.setup().unwrap();
    assert_eq!(
        machine.query(
            "litellm",
            "SELECT string_agg(migration_name || ' ' || applied_steps_count || ' ' || (finished_at >= started_at), '; ' ORDER BY migration_name) AS history FROM _prisma_migrations"
        ),
        "20250101_one 1 true; 20250102_an index, with spaces 1 true; 20250103_three 1 true"
    );
    assert_eq!(
        machine.query(
            "litellm",
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        ),
        "litellm"
    );
    assert_eq!(
        machine.query(
            "litellm",
            "SELECT viewname || ' of ' || viewowner AS view FROM pg_views WHERE schemaname = 'public'"
        ),
        "OneView of litellm"
    );
    assert_eq!(
        machine.query("open_webui", "SELECT count(*) AS n FROM migrated"),
        "1"
    );
    assert_eq!(
        machine.query("postgres", "SELECT count(*) AS n FROM pg_authid WHERE rolname IN ('litellm', 'open_webui') AND rolcanlogin AND NOT rolsuper AND rolpassword LIKE 'SCRAM-SHA-256$%'"),
        "2"
    );
    assert_eq!(
        machine.query("postgres", "SELECT current_setting('data_checksums') || ' ' || datcollate || ' ' || pg_encoding_to_char(encoding) AS made FROM pg_database WHERE datname = 'litellm'"),
        "on C.UTF-8 UTF8"
    );
}

#[test]
fn no_server_is_left_and_nothing_of_it() {
    let machine = Machine::new();
    machine.setup().unwrap();
    assert!(
        !postgres::data(&machine.paths())
            .join("postmaster.pid")
            .exists()
    );
    let left: Vec<_> = fs::read_dir(machine.paths().state.join("setup-socket"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_changed_password_is_set_by_the_next_set_up() {
    let machine = Machine::new();
    machine.setup().unwrap();
    let verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = 'litellm'";
    let before = machine.query("postgres", verifier);
    let calls = machine.calls();
    let secret = machine.paths().secrets().join("postgres-litellm-password");
    fs::write(secret, "it's another").unwrap();
    machine.setup().unwrap();
    assert_ne!(machine.query("postgres", verifier), before);
    assert_eq!(machine.calls(), calls, "nothing else was done");
}

#[test]
fn another_salt_key_is_taken_only_where_that_is_asked_for() {
    let mut machine = Machine::new();
    machine.setup().unwrap();
    let salt_key = machine.paths().secrets().join("litellm-salt-key");
    let before = fs::read_to_string(&salt_key).unwrap();
    // The same length and one byte otherwise; nothing at all; no file.
    for other in [
        before.replacen("sk-", "sk_", 1),
        String::new(),
        "gone".into(),
    ] {
        fs::write(&salt_key, &other).unwrap();
        if other == "gone" {
            fs::remove_file(&salt_key).unwrap();
        }
        let error = machine.setup().unwrap_err().to_string();
        assert!(error.contains("restore it from a backup"), "{error}");
        assert!(error.contains("--accept-salt-key"), "{error}");
    }
    fs::write(&salt_key, &before).unwrap();
    fs::set_permissions(&salt_key, fs::Permissions::from_mode(0o600)).unwrap();
    machine.setup().unwrap();
    fs::write(&salt_key, "").unwrap();
    machine.accept_salt_key = true;
    machine.setup().unwrap();
    assert_ne!(fs::read_to_string(&salt_key).unwrap(), before);
    machine.accept_salt_key = false;
    machine.setup().unwrap();
    assert_eq!(
        provision::check_secrets(services::catalog(), &machine.paths()),
        Ok(())
    );
}

#[test]
fn a_secret_of_another_backup_is_noticed_at_start_and_taken_by_set_up() {
    let machine = Machine::new();
    machine.setup().unwrap();
    for name in [
        "litellm-master-key",
        "open-webui-secret-key",
        "postgres-litellm-password",
    ] {
        fs::write(machine.paths().secrets().join(name), "sk-of-another-backup").unwrap();
        let error = provision::check_secrets(services::catalog(), &machine.paths()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        machine.setup().unwrap();
        assert_eq!(
            provision::check_secrets(services::catalog(), &machine.paths()),
            Ok(())
        );
    }
}

#[test]
fn a_removed_environment_is_made_again() {
    let machine = Machine::new();
    let installed = machine.setup().unwrap();
    fs::remove_file(installed.payloads["open-webui"].join("bin/python")).unwrap();
    let missing = services::installed(&machine.paths(), &machine.settings).unwrap_err();
    assert!(
        missing.to_string().contains("run 'ai-gateway setup'"),
        "{missing}"
    );
    assert_eq!(machine.setup().unwrap(), installed);
    assert!(installed.payloads["open-webui"].join("bin/python").exists());
}

#[test]
fn the_folder_for_an_offline_set_up_is_made_from_the_locks_alone() {
    let machine = Machine::new();
    let folder = machine.path("bundle");
    let error = machine.bundle(&folder).unwrap_err().to_string();
    assert!(error.contains("run 'ai-gateway setup'"), "{error}");
    machine.setup().unwrap();
    let before = machine.calls().len();
    machine.bundle(&folder).unwrap();
    let calls = &machine.calls()[before..];
    assert_eq!(calls.len(), 4, "{calls:?}");
    for (call, lock) in calls
        .iter()
        .zip(["tools.txt", "litellm.txt", "open-webui.txt"])
    {
        assert!(
            call.contains("pip download --require-hashes --no-deps"),
            "{call}"
        );
        assert!(call.ends_with(lock), "{call}");
    }
    assert!(
        calls[3].contains(&format!("--cache {}/npm", folder.display())),
        "{}",
        calls[3]
    );
    assert!(!folder.join(".scratch").exists());
}

#[test]
fn offline_asks_no_registry() {
    let mut machine = Machine::new();
    machine.offline = Some(machine.path("bundle"));
    let error = machine.setup().unwrap_err().to_string();
    assert!(error.contains("there is no folder wheels in it"), "{error}");
    fs::create_dir_all(machine.path("bundle/wheels")).unwrap();
    fs::create_dir_all(machine.path("bundle/npm")).unwrap();
    machine.setup().unwrap();
    let calls = machine.calls();
    let sync = calls.iter().find(|c| c.contains("pip sync")).unwrap();
    assert!(sync.contains("--offline --no-index --find-links"), "{sync}");
    let npm = calls.iter().find(|c| c.starts_with("npm")).unwrap();
    assert!(npm.contains("--offline --cache"), "{npm}");
}

/// The folder that set-up is typed in may be closed to its user, as root's home is, and it may hold
/// a `uv.toml` that is not meant for us.
#[test]
fn what_is_run_does_not_see_the_folder_that_set_up_was_typed_in() {
    let machine = Machine::new();
    machine.when("litellm", r#"[ "$(pwd -P)" = / ] || exit 1"#);
    machine.setup().unwrap();
}

#[test]
fn bytecode_that_cannot_be_made_is_left_to_the_first_start() {
    let mut machine = Machine::new();
    fs::write(machine.path("do-compile"), "exit 1\n").unwrap();
    machine.setup().unwrap();
    assert!(machine.calls().contains(&"compile True".to_owned()));
    machine.set("diet.bytecode = false");
    fs::remove_dir_all(machine.path("gw/state/payloads/litellm")).unwrap();
    let before = machine.calls().len();
    machine.setup().unwrap();
    assert!(!machine.calls()[before..].contains(&"compile True".to_owned()));
}
