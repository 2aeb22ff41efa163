//! A configuration with keys in it that other users can read.

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
        drop(bench.person(verb));
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
    warning: $TEST/gw/gateway.toml can be read by other users (mode 0644) and has a service's environment in it, where keys may be: chmod 0600 $TEST/gw/gateway.toml
    ");
    assert_snapshot!(bench.seen(&mut bench.as_person("config check --json")), @r#"
    exit: 0
    --- stdout ---
    {
      "differs": [],
      "ok": true,
      "report": "warning: $TEST/gw/gateway.toml can be read by other users (mode 0644) and has a service's environment in it, where keys may be: chmod 0600 $TEST/gw/gateway.toml"
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
            let warning = wanted.map(|wanted| {
                format!(
                    "warning: $TEST/gw/gateway.toml can be read by other users (mode 0644) and \
                     has a service's environment in it, where keys may be: {wanted}\n"
                )
            });
            match warning {
                Some(warning) => assert!(told.contains(&warning), "{verb}: {told}"),
                None => assert!(!told.contains("warning"), "{verb}: {told}"),
            }
            assert_eq!(mode(&bench), before, "{verb}");
        }
    }
}
