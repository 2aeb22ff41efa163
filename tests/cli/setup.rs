//! Set-up, as far as it goes without doing anything. What it does is tried elsewhere.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown, lchown, symlink},
    path::Path,
};

use insta::assert_snapshot;
use nix::unistd::Uid;

use crate::{
    bench::{Bench, free_port},
    skipped::{Mounted, root_or_skipped},
};

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
    let seen =
        bench.seen(&mut bench.as_person("setup --yes -y --dry-run --profile local --budget prod"));
    assert!(seen.contains("To do in $TEST/gw/state:\n"), "{seen}");
    assert!(seen.contains("make the database cluster\n"), "{seen}");
    assert!(!bench.home().exists());
}

const REFUSED: &str = "exit: 78
--- stderr ---
error: $TEST/gw can be written by every user (mode 0777): whoever can change it can run programs \
as the gateway and read its secrets
hint: look at what is in there, and then run: chmod go-w $TEST/gw
";

#[test]
fn what_others_could_change_is_refused_by_set_up_start_and_the_check() {
    let bench = Bench::new();
    let (port, admin_port) = (free_port(), free_port());
    bench.write(
        "gateway.toml",
        &format!("profile = \"local\"\nlisten = {{ port = {port}, admin_port = {admin_port} }}\n"),
    );
    let chmod =
        |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    chmod(&bench.home(), 0o777);
    for verb in ["setup --yes", "run", "config check"] {
        assert_eq!(bench.seen(&mut bench.as_person(verb)), REFUSED, "{verb}");
    }
    chmod(&bench.home(), 0o755);
    // The file alone, and a folder of another user's.
    chmod(&bench.home().join("gateway.toml"), 0o666);
    let seen = bench.seen(&mut bench.as_person("config check"));
    assert!(
        seen.contains("gateway.toml can be written by every user"),
        "{seen}"
    );
    chmod(&bench.home().join("gateway.toml"), 0o600);
    let seen = bench.seen(&mut bench.as_person("config check"));
    assert!(seen.starts_with("exit: 0"), "{seen}");
}

#[test]
fn a_state_that_another_user_made_or_leads_to_is_refused() {
    if !root_or_skipped("a_state_that_another_user_made_or_leads_to_is_refused") {
        return;
    }
    let bench = Bench::new();
    fs::create_dir(bench.home()).unwrap();
    let mut check = bench.as_person("setup --dry-run --profile local");
    let theirs = bench.folder().join("theirs");
    fs::create_dir(&theirs).unwrap();
    chown(&theirs, Some(1), Some(1)).unwrap();
    fs::rename(&theirs, bench.home().join("state")).unwrap();
    let seen = bench.seen(&mut check);
    assert!(seen.contains("gw/state belongs to daemon"), "{seen}");
    fs::rename(bench.home().join("state"), &theirs).unwrap();
    chown(&theirs, Some(65534), Some(65534)).unwrap();
    let link = bench.home().join("state");
    symlink(&theirs, &link).unwrap();
    lchown(&link, Some(1), Some(1)).unwrap();
    let seen = bench.seen(&mut check);
    assert!(
        seen.contains("gw/state is a link that belongs to daemon"),
        "{seen}"
    );
    lchown(&link, Some(65534), Some(65534)).unwrap();
    let seen = bench.seen(&mut check);
    assert!(seen.contains("To do in"), "{seen}");
}

#[test]
fn a_folder_that_the_stack_cannot_take_is_refused_at_once() {
    let bench = Bench::new();
    for verb in ["setup --dry-run", "config check"] {
        let mut command = bench.as_person(verb);
        command.env("AI_GATEWAY_HOME", bench.folder().join("100%"));
        let seen = bench.seen(&mut command);
        assert!(seen.starts_with("exit: 78\n"), "{verb}: {seen}");
        assert!(
            seen.contains("$TEST/100%/gateway.toml holds '%', which does not work there"),
            "{verb}: {seen}"
        );
    }
}

#[test]
fn a_full_disk_is_named_by_status_and_doctor() {
    let bench = Bench::new();
    let state = bench.home().join("state");
    fs::create_dir_all(&state).unwrap();
    let Some(mounted) = Mounted::or_skipped("a_full_disk_is_named_by_status_and_doctor", &state)
    else {
        return;
    };
    let _daemon = bench.daemon(crate::bench::ready());
    let (status, doctor) = (bench.run("status"), bench.run("doctor --json"));
    drop(mounted);
    let wanted = "the disk of $TEST/gw/state is full";
    assert!(status.contains(wanted), "{status}");
    assert!(
        doctor.contains(wanted) || doctor.contains("state has 1 MB left"),
        "{doctor}"
    );
}
