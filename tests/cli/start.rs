//! Start, where systemd does it and where we do.

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;
use nix::unistd::Uid;

use crate::bench::{Bench, free_port, ready};

#[test]
fn a_daemon_that_runs_is_asked_to_start_what_is_stopped() {
    let bench = Bench::new();
    let daemon = bench.daemon(ready());
    assert_snapshot!(bench.run("start"), @"
    exit: 0
    --- stdout ---
    ai-gateway is ready

    Chat   http://127.0.0.1:3000
    API    http://127.0.0.1:3000/api/litellm/v1
    Admin  http://127.0.0.1:4000/ui
    ");
    assert_eq!(daemon.asked().len(), 1);
}

#[test]
fn a_unit_is_started_by_systemd() {
    let bench = Bench::new();
    bench.program(
        "systemctl",
        "echo \"$@\" >>\"$HOME.calls\"\ncase \"$*\" in *show*) echo loaded;; *start*) exit 4;; esac",
    );
    for verb in ["start", "stop", "restart", "reload"] {
        let mut command = bench.command(verb);
        let seen = bench.seen(command.env_remove("AI_GATEWAY_HOME"));
        let wanted = if verb.ends_with("start") {
            "exit: 77\n"
        } else {
            "exit: 0\n"
        };
        assert!(seen.starts_with(wanted), "{verb}: {seen}");
    }
    let calls = bench.home().parent().unwrap().join("home.calls");
    let calls = std::fs::read_to_string(calls)
        .unwrap()
        .replace("--user ", "");
    let told: Vec<&str> = calls
        .lines()
        .filter(|line| !line.contains("show"))
        .collect();
    let wanted =
        ["start", "stop", "restart", "reload"].map(|verb| format!("{verb} ai-gateway.service"));
    assert_eq!(told, wanted);
}

/// With ports that are free, but nothing behind them.
fn not_set_up() -> Bench {
    let bench = Bench::new();
    let (port, admin_port) = (free_port(), free_port());
    bench.write(
        "gateway.toml",
        &format!("profile = \"local\"\nlisten = {{ port = {port}, admin_port = {admin_port} }}\n"),
    );
    bench
}

#[test]
fn a_daemon_that_dies_at_once_is_quoted() {
    let bench = not_set_up();
    let mut command = bench.as_person("start");
    assert_snapshot!(bench.seen(&mut command), @"
    exit: 78
    --- stderr ---
    error: the gateway is not set up: there is no database: run 'ai-gateway setup'
    ");
    let told = bench.logs().join("last-words");
    let told = std::fs::metadata(told).unwrap();
    assert_eq!(told.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_daemon_in_the_foreground_says_what_is_missing() {
    let bench = not_set_up();
    assert_snapshot!(bench.seen(&mut bench.as_person("run")), @"
    exit: 78
    --- stderr ---
    error: the gateway is not set up: there is no database: run 'ai-gateway setup'
    ");
}

#[test]
fn a_port_that_somebody_else_has_is_named_before_anything_starts() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let bench = Bench::new();
    bench.write(
        "gateway.toml",
        &format!("profile = \"local\"\nlisten.port = {port}\n"),
    );
    let seen = bench.seen(&mut bench.as_person("run"));
    assert!(seen.starts_with("exit: 1\n"), "{seen}");
    assert!(
        seen.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{seen}"
    );
}

#[test]
fn root_does_not_run_a_daemon() {
    let bench = Bench::new();
    for verb in ["start", "run"] {
        let seen = bench.run(verb);
        let refused = seen.starts_with("exit: 77\n");
        let told = seen.contains(&format!("runuser -u ai-gateway -- ai-gateway {verb}"));
        assert_eq!(
            (refused, told),
            (Uid::effective().is_root(), refused),
            "{seen}"
        );
    }
}

#[test]
fn stop_ends_what_a_killed_daemon_has_left() {
    let bench = Bench::new();
    let folder = bench.home().join("state/services/nginx");
    std::fs::create_dir_all(&folder).unwrap();
    let mut left = std::process::Command::new("sleep")
        .arg("60")
        .current_dir(&folder)
        .spawn()
        .unwrap();
    let mut elsewhere = std::process::Command::new("sleep")
        .arg("60")
        .current_dir(bench.home().join("state"))
        .spawn()
        .unwrap();
    // Nobody else reaps them: to the program a child that has ended and waits for us is gone.
    assert_snapshot!(bench.run("stop"), @"
    exit: 0
    --- stdout ---
    No daemon ran; what a killed one had left is stopped.
    ");
    let ended = left.try_wait().unwrap().unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&ended),
        Some(15)
    );
    assert!(elsewhere.try_wait().unwrap().is_none());
    elsewhere.kill().unwrap();
    elsewhere.wait().unwrap();
    assert!(bench.run("stop").starts_with("exit: 69\n"));
}
