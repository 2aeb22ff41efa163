//! Why a service is as it is, from a daemon that is the program itself.

use std::fs;

use crate::{
    set_up::{Running, set_up_with, until},
    skipped::Mounted,
};

/// What a service of one's own is asked about by: its command and that no probe is set for it.
const STAYS: &str = "[service.mine]\ncommand = [\"/bin/sleep\", \"600\"]\n";
const ENDS: &str = "[service.mine]\ncommand = [\"/bin/sh\", \"-c\", \"exit 3\"]\n";

#[test]
fn a_service_without_a_probe_is_ready_because_it_was_launched() {
    let bench = set_up_with(STAYS);
    let _running = Running::start(&bench, "022");
    let mut why = String::new();
    until("the service is ready", || {
        why = bench.seen(&mut bench.as_person("why mine"));
        why.contains("mine: ready")
    });
    assert!(
        why.contains("(it was launched, and no probe is set for it)"),
        "{why}"
    );
    assert!(!why.contains("its probe passed"), "{why}");
}

#[test]
fn a_full_disk_is_named_when_a_service_ends_and_by_why() {
    let bench = set_up_with(ENDS);
    let full = bench.home().join("state/postgres");
    let control = full.join("global/pg_control");
    let contents = fs::read(&control).unwrap();
    let test = "a_full_disk_is_named_when_a_service_ends_and_by_why";
    let Some(mounted) = Mounted::or_skipped(test, &full) else {
        return;
    };
    fs::create_dir(full.join("global")).unwrap();
    fs::write(control, contents).unwrap();
    let running = Running::start(&bench, "022");
    let log = bench.logs().join("ai-gateway.log");
    let said = format!("mine ended, and the disk of {} is full (", full.display());
    until("the daemon says it in its log", || {
        fs::read_to_string(&log).is_ok_and(|log| log.contains(&said))
    });
    let why = bench.seen(&mut bench.as_person("why mine"));
    drop(running);
    drop(mounted);
    assert!(why.contains("it exited with code 3"), "{why}");
    assert!(
        why.contains("the disk of $TEST/gw/state/postgres is full ("),
        "{why}"
    );
    assert!(
        why.contains("make room, or nothing can be written"),
        "{why}"
    );
}
