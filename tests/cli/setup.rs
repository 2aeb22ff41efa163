//! Set-up, as far as it goes without doing anything. What it does is tried elsewhere.

use insta::assert_snapshot;
use nix::unistd::Uid;

use crate::bench::Bench;

#[test]
fn root_is_told_who_sets_it_up() {
    let seen = Bench::new().run("setup --dry-run");
    if Uid::effective().is_root() {
        assert!(seen.starts_with("exit: 77\n"), "{seen}");
        assert!(
            seen.contains("runuser -u ai-gateway -- ai-gateway setup"),
            "{seen}"
        );
    } else {
        assert!(!seen.contains("runuser"), "{seen}");
    }
}

#[test]
fn a_bad_flag_stops_it_before_anything_is_written() {
    let bench = Bench::new();
    let seen = bench.seen(&mut bench.as_person("setup --dry-run --profile local --port 99999"));
    assert_snapshot!(seen, @"
    exit: 2
    --- stderr ---
    error: `listen.port` is out of range
     |
     | listen.port = 99999
     |               ^^^^^ expected a port from 1 to 65535
    ");
    assert!(!bench.home().exists());
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let bench = Bench::new();
    let seen = bench.seen(&mut bench.as_person("setup --dry-run --profile local --budget prod"));
    assert!(seen.contains("To do in $TEST/gw/state:\n"), "{seen}");
    assert!(seen.contains("make the database cluster\n"), "{seen}");
    assert!(!bench.home().exists());
}
