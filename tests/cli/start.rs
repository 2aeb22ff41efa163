//! Start, where systemd does it and where we do.

use insta::assert_snapshot;
use nix::unistd::Uid;

use crate::bench::{Bench, ready};

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

#[test]
fn root_does_not_start_a_daemon() {
    let bench = Bench::new();
    let seen = bench.run("start");
    if Uid::effective().is_root() {
        assert!(seen.starts_with("exit: 77\n"), "{seen}");
        assert!(
            seen.contains("runuser -u ai-gateway -- ai-gateway start"),
            "{seen}"
        );
    } else {
        // What becomes of it without anything set up is not this test's matter, but that it is
        // not the user that is wrong.
        assert!(!seen.starts_with("exit: 77\n"), "{seen}");
    }
}
