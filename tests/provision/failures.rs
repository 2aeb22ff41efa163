//! What people are told when something is wrong, and that mending it is enough.

use std::fs;

use ai_gateway::{provision::SetupError, services::postgres};
use nix::sys::signal::{Signal, raise};

use super::machine::{Heard, Machine};

/// Set-up fails in the environment of that name, leaves nothing of it, and then succeeds.
fn fails(what: &str, shell: &str, told: &[&str]) {
    let machine = Machine::new();
    machine.when(what, shell);
    let error = machine.setup().unwrap_err().to_string();
    for text in told {
        assert!(error.contains(text), "{text:?} is not in: {error}");
    }
    let left = fs::read_dir(machine.paths().payloads().join(what));
    let left = left.into_iter().flatten().count();
    assert_eq!(left, 0, "half of {what} was left");
    assert!(!postgres::data(&machine.paths()).exists(), "it went on");
    machine.when_as_usual(what);
    machine.setup().unwrap();
}

#[test]
fn no_network_is_said_so() {
    fails(
        "litellm",
        "echo 'error: Failed to fetch: `https://h.example/simple/fastapi/`' >&2
         echo '  Caused by: dns error: failed to lookup address information' >&2
         exit 2",
        &[
            "installing litellm failed: the registry was not reached",
            "--offline DIR",
            "uv said:",
            "  |   Caused by: dns error",
        ],
    );
}

#[test]
fn a_wrong_hash_is_said_so() {
    fails(
        "open-webui",
        "echo 'error: Hash mismatch for `aiohttp==3.1`' >&2; exit 1",
        &["installing open-webui failed: what was downloaded is not what was locked"],
    );
}

#[test]
fn a_full_disk_is_said_so() {
    fails(
        "litellm",
        "echo 'error: failed to write: No space left on device (os error 28)' >&2; exit 2",
        &["the disk is full"],
    );
}

#[test]
fn a_package_that_brings_code_for_every_start_is_refused() {
    fails(
        "litellm",
        r#"touch "$folder/lib/python3.11/site-packages/litellm_init.pth""#,
        &["litellm_init.pth is not expected"],
    );
}

#[test]
fn npm_that_fails_is_named_with_what_it_said() {
    let machine = Machine::new();
    machine.when("npm", "echo 'npm error code EINTEGRITY' >&2; exit 1");
    let error = machine.setup().unwrap_err().to_string();
    assert!(
        error.contains("installing the query engine's packages failed: what was downloaded"),
        "{error}"
    );
    machine.when_as_usual("npm");
    machine.setup().unwrap();
}

#[test]
fn open_webui_that_cannot_migrate_is_heard() {
    let machine = Machine::new();
    machine.when("migrate", "echo 'KeyError: revision' >&2; exit 3");
    let error = machine.setup().unwrap_err().to_string();
    assert!(error.contains("Open WebUI exited with 3"), "{error}");
    assert!(error.contains("KeyError: revision"), "{error}");
    machine.when_as_usual("migrate");
    machine.setup().unwrap();
}

#[test]
fn a_downloaded_engine_is_used_only_with_its_hash() {
    let mut machine = Machine::new();
    let engine = |sha256: &str| {
        let url = "https://user:password@h.example/engine";
        format!("[engine]\nkind = \"download\"\nurl = \"{url}\"\nsha256 = \"{sha256}\"")
    };
    machine.set(&engine(&"0".repeat(64)));
    let error = machine.setup().unwrap_err();
    let error = error.to_string();
    assert!(error.contains("but [engine] sha256 says 0000"), "{error}");
    assert!(!error.contains("password"), "{error}");
    // sha256sum of "an engine".
    machine.set(&engine(SHA256_OF_AN_ENGINE));
    let installed = machine.setup().unwrap();
    let engine = installed.payloads["native-engine"].join("query-engine");
    assert_eq!(fs::read_to_string(engine).unwrap(), "an engine");
}

const SHA256_OF_AN_ENGINE: &str =
    "48189993a28ac7ea2c871d7c7c3ba80052d50958868ff560d01913094889afc8";

#[test]
fn an_interrupt_ends_what_runs_and_the_next_set_up_goes_on() {
    let machine = Machine::new();
    machine.when("litellm", "echo waiting; sleep 60");
    let mut heard = Heard::new(|line: &str| {
        if line == "waiting" {
            raise(Signal::SIGINT).unwrap();
        }
    });
    let error = machine.setup_heard(&mut heard).unwrap_err();
    let signal = Signal::SIGINT;
    assert!(
        matches!(error, SetupError::Interrupted { signal: by } if by == signal),
        "{error}"
    );
    machine.when_as_usual("litellm");
    machine.setup().unwrap();
}

#[test]
fn an_interrupt_does_not_cut_off_open_webuis_migrations() {
    let machine = Machine::new();
    let mut heard = Heard::new(|line: &str| {
        if line == "Open WebUI's tables" {
            raise(Signal::SIGTERM).unwrap();
        }
    });
    let error = machine.setup_heard(&mut heard).unwrap_err();
    let signal = Signal::SIGTERM;
    assert!(
        matches!(error, SetupError::Interrupted { signal: by } if by == signal),
        "{error}"
    );
    assert!(
        heard
            .lines
            .iter()
            .any(|l| l.contains("must not be cut off")),
        "{:?}",
        heard.lines
    );
    assert_eq!(machine.plan().steps, [], "all was done");
    assert_eq!(
        machine.query("open_webui", "SELECT count(*) AS n FROM migrated"),
        "1"
    );
}
