//! Set-up killed with SIGKILL, at the points where most can go wrong.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::Path,
};

use ai_gateway::provision::SetupError;

use super::machine::{Heard, Machine};

/// Blocks until somebody writes into it, and returns what.
fn wait_for(fifo: &Path) -> String {
    let mut text = String::new();
    File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
    text.trim().to_owned()
}

#[test]
fn killed_while_packages_are_installed() {
    let machine = Machine::new();
    let reached = machine.fifo("reached");
    // The shell is uv's stand-in, and what it starts in turn outlives it.
    machine.when("litellm", r#"sleep 60 & echo $! >"$base/reached"; wait"#);
    let mut first = machine.setup_in_a_process();
    let grandchild = wait_for(&reached);
    first.kill().unwrap();
    first.wait().unwrap();
    machine.when_as_usual("litellm");

    machine.setup().unwrap();
    let state = fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
    assert!(
        state.is_empty() || state.contains(") Z "),
        "what the first one left is still at work: {state}"
    );
}

#[test]
fn killed_while_open_webui_migrates() {
    let machine = Machine::new();
    let (reached, go) = (machine.fifo("reached"), machine.fifo("go"));
    machine.when(
        "migrate",
        r#"echo here >"$base/reached"; read -r _ <"$base/go""#,
    );
    let mut first = machine.setup_in_a_process();
    assert_eq!(wait_for(&reached), "here");
    first.kill().unwrap();
    first.wait().unwrap();
    machine.when_as_usual("migrate");

    let mut waited = false;
    let mut heard = Heard::new(|line: &str| {
        if line.contains("of an earlier set-up still run") {
            waited = true;
            // Only now may they end.
            File::create(&go).unwrap().write_all(b"on\n").unwrap();
        }
    });
    machine.setup_heard(&mut heard).unwrap();
    assert!(
        waited,
        "the second set-up did not wait for the first one's migrations"
    );
    assert_eq!(
        machine.query("open_webui", "SELECT count(*) AS n FROM migrated"),
        "2",
        "the first one's were not cut off, and the second made sure"
    );
}

#[test]
fn the_second_of_two_is_told_who_the_first_is() {
    let machine = Machine::new();
    let reached = machine.fifo("reached");
    machine.when("litellm", r#"echo here >"$base/reached"; sleep 60"#);
    let mut first = machine.setup_in_a_process();
    assert_eq!(wait_for(&reached), "here");
    let error = machine.setup().unwrap_err();
    first.kill().unwrap();
    first.wait().unwrap();
    let SetupError::Busy { holder } = error else {
        panic!("{error}");
    };
    assert_eq!(holder, first.id().to_string());
    machine.when_as_usual("litellm");
    machine.setup().unwrap();
}
