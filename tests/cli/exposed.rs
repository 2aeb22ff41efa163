//! A configuration with keys in it that is open to other users.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::PathBuf,
};

use assert_cmd::Command;
use insta::assert_snapshot;

use crate::{
    bench::{Bench, free_port, ready},
    skipped::root_or_skipped,
};

const KEYS: &str = "[service.mine]\ncommand = [\"/bin/mine\"]\nenvironment = { KEY = \"sk-x\" }\n";
const CLOSED: &str =
    "$TEST/gw/gateway.toml had mode 0644, and a service's environment in it: it has 0600 now.\n";

fn file(bench: &Bench) -> PathBuf {
    bench.home().join("gateway.toml")
}

fn mode(bench: &Bench) -> u32 {
    fs::metadata(file(bench)).unwrap().mode() & 0o7777
}

/// A configuration of this mode.
fn bench(more: &str, mode: u32) -> Bench {
    let bench = Bench::new();
    let (port, admin_port) = (free_port(), free_port());
    let text = format!(
        "profile = \"local\"\nlisten = {{ port = {port}, admin_port = {admin_port} }}\n{more}"
    );
    bench.write("gateway.toml", &text);
    // Whatever umask the tests run with, nobody else may write it.
    for (path, mode) in [(bench.home(), 0o755), (file(&bench), mode)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    bench
}

/// What stands on standard error.
fn told(bench: &Bench, command: &mut Command) -> String {
    let stderr = command.output().unwrap().stderr;
    let text = String::from_utf8(stderr).unwrap();
    text.replace(bench.folder().to_str().unwrap(), "$TEST")
}

#[test]
fn every_command_that_takes_it_up_closes_it_and_says_so() {
    for verb in ["setup --yes", "start", "run"] {
        let bench = bench(KEYS, 0o644);
        let told = told(&bench, &mut bench.as_person(verb));
        assert_eq!(told.matches(CLOSED).count(), 1, "{verb}: {told}");
        assert_eq!(mode(&bench), 0o600, "{verb}");
    }
    for verb in [
        "start",
        "reload",
        "restart",
        "config set budget 7",
        "profile tiny",
    ] {
        let bench = bench(KEYS, 0o644);
        // As root: root asks for the gateway of that person.
        bench.give_to_the_person();
        let _daemon = bench.daemon(ready());
        let told = told(&bench, &mut bench.command(verb));
        assert_eq!(told.matches(CLOSED).count(), 1, "{verb}: {told}");
        assert_eq!(mode(&bench), 0o600, "{verb}");
    }
}

#[test]
fn one_without_keys_stays_as_it_is() {
    for verb in ["start", "run", "config check", "config set budget 7"] {
        let bench = bench("", 0o644);
        let told = told(&bench, &mut bench.as_person(verb));
        assert!(!told.contains("mode"), "{verb}: {told}");
        assert_eq!(mode(&bench), 0o644, "{verb}");
    }
}

#[test]
fn the_check_warns_and_changes_nothing() {
    let bench = bench(KEYS, 0o644);
    assert_snapshot!(bench.seen(&mut bench.as_person("config check")), @"
    exit: 0
    --- stdout ---
    $TEST/gw/gateway.toml is valid.
    --- stderr ---
    warning: $TEST/gw/gateway.toml is open to other users (mode 0644) and has a service's environment in it, where keys may be: chmod 0600 $TEST/gw/gateway.toml
    ");
    assert_snapshot!(bench.seen(&mut bench.as_person("config check --json")), @r#"
    exit: 0
    --- stdout ---
    {
      "differs": [],
      "ok": true,
      "report": "warning: $TEST/gw/gateway.toml is open to other users (mode 0644) and has a service's environment in it, where keys may be: chmod 0600 $TEST/gw/gateway.toml"
    }
    "#);
    assert_eq!(mode(&bench), 0o644);
    fs::set_permissions(file(&bench), Permissions::from_mode(0o600)).unwrap();
    let seen = bench.seen(&mut bench.as_person("config check"));
    assert!(!seen.contains("warning"), "{seen}");
}

/// As the machine's gateway has it where root wrote it: the gateway may not change its mode.
#[test]
fn a_file_of_roots_is_named_and_stays_as_it_is() {
    if !root_or_skipped("a_file_of_roots_is_named_and_stays_as_it_is") {
        return;
    }
    const NOGROUP: u32 = 65_534;
    for (group, before, wanted) in [
        (NOGROUP, 0o644, Some("chmod 0640 $TEST/gw/gateway.toml")),
        (
            0,
            0o644,
            Some("chgrp 65534 $TEST/gw/gateway.toml && chmod 0640 $TEST/gw/gateway.toml"),
        ),
        (NOGROUP, 0o640, None),
    ] {
        for verb in ["start", "run", "config check"] {
            let bench = bench(KEYS, before);
            let mut command = bench.as_person(verb);
            chown(file(&bench), Some(0), Some(group)).unwrap();
            let told = told(&bench, &mut command);
            let rights = match group {
                NOGROUP => "mode 0644",
                _ => "mode 0644, group 0",
            };
            let warning = wanted.map(|wanted| {
                format!(
                    "warning: $TEST/gw/gateway.toml is open to other users ({rights}) and has a \
                     service's environment in it, where keys may be: {wanted}\n"
                )
            });
            match warning {
                Some(warning) => {
                    assert!(told.contains(&warning), "{verb}: {told}");
                    // The daemon of a start finds the same.
                    let times = told.matches("is open to other users").count();
                    assert_eq!(times, 1, "{verb}: {told}");
                }
                None => assert!(!told.contains("warning"), "{verb}: {told}"),
            }
            assert_eq!(mode(&bench), before, "{verb}");
        }
    }
}

/// What `config set` by root, or by the person, makes of a file of this owner, group and mode.
fn set((owner, group, mode): (u32, u32, u32), root: bool) -> (Bench, String) {
    let bench = bench(KEYS, mode);
    let mut person = bench.as_person("config set budget 7");
    chown(file(&bench), Some(owner), Some(group)).unwrap();
    let seen = if root {
        bench.seen(&mut bench.command("config set budget 7"))
    } else {
        bench.seen(&mut person)
    };
    (bench, seen)
}

/// Owner, group and mode, and whether the new key is in it.
fn is(bench: &Bench) -> (u32, u32, u32, bool) {
    let found = fs::metadata(file(bench)).unwrap();
    let text = fs::read_to_string(file(bench)).unwrap();
    let written = text.contains("budget = 7");
    (found.uid(), found.gid(), mode(bench), written)
}

#[test]
fn root_writes_its_own_file_so_that_the_gateway_can_read_it_and_nobody_else() {
    if !root_or_skipped("root_writes_its_own_file_so_that_the_gateway_can_read_it_and_nobody_else")
    {
        return;
    }
    for (group, mode) in [(0, 0o644), (100, 0o640)] {
        let (bench, seen) = set((0, group, mode), true);
        assert_eq!(is(&bench), (0, 65_534, 0o640, true), "{seen}");
        let closed = format!(
            "$TEST/gw/gateway.toml had mode {mode:04o} and group {group}, and a service's \
             environment in it: it has 0640 and group 65534 now."
        );
        assert_eq!(seen.matches(&closed).count(), 1, "{seen}");
        assert!(!seen.contains("warning"), "{seen}");
    }
    let (bench, seen) = set((0, 65_534, 0o644), true);
    assert_eq!(is(&bench), (0, 65_534, 0o640, true), "{seen}");
}

#[test]
fn a_file_that_would_stay_open_is_not_written() {
    if !root_or_skipped("a_file_that_would_stay_open_is_not_written") {
        return;
    }
    // A third user's, and root's where the person asks.
    for (owner, root, commands) in [
        (1234, true, "chmod 0600 $TEST/gw/gateway.toml"),
        (
            0,
            false,
            "chgrp 65534 $TEST/gw/gateway.toml && chmod 0640 $TEST/gw/gateway.toml",
        ),
    ] {
        let (bench, seen) = set((owner, 0, 0o644), root);
        assert_eq!(is(&bench), (owner, 0, 0o644, false), "{seen}");
        assert!(seen.starts_with("exit: 1\n"), "{seen}");
        assert!(seen.contains("error: nothing was written"), "{seen}");
        assert!(seen.contains(commands), "{seen}");
    }
}
