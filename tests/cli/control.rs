//! Verbs that ask the daemon for something, and who may ask.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use ai_gateway::control::types::{Call, GatewayState, Refusal, Reply};
use insta::assert_snapshot;
use nix::{
    sys::signal::{self, Signal},
    unistd::{Pid, Uid},
};
use supervise::effect::StateName;

use crate::{
    bench::{Bench, gateway, name, ready},
    set_up::until,
};

#[test]
fn stop_waits_until_the_daemon_has_gone() {
    let bench = Bench::new();
    let daemon = bench.daemon(ready());
    assert_eq!(bench.answer("stop"), "ai-gateway is stopped\n");
    assert_eq!(daemon.asked(), [Call::Stop(None)]);
    // A child that another test forks at that moment has the daemon's socket open until it executes
    // its program.
    until("nobody listens", || {
        bench.run("status").starts_with("exit: 69\n")
    });
}

/// It closes its sockets first, and whoever removes its folder then would find it there.
#[test]
fn stop_waits_for_the_process_too() {
    let bench = Bench::new();
    let gone = bench.folder().join("gone");
    let mut process = Command::new("sh")
        .args(["-c", "read line; sleep 0.3; echo > \"$0\""])
        .arg(&gone)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let id = i32::try_from(process.id()).unwrap();
    let started = sys::proc::stat(id).unwrap().started;
    bench.write("state/daemon.lock", &format!("{id} {started} listens"));
    let mut asked_to_end = process.stdin.take();
    let _daemon = bench.daemon_that(ready(), move |_| {
        drop(asked_to_end.take());
        Ok(Reply::Done(Vec::new()))
    });
    assert_eq!(bench.answer("stop"), "ai-gateway is stopped\n");
    assert!(gone.exists());
    process.wait().unwrap();
}

#[test]
fn a_verb_for_one_service_asks_for_that() {
    let bench = Bench::new();
    let daemon = bench.daemon(ready());
    assert_eq!(bench.answer("stop nginx"), "nginx is stopped\n");
    assert_eq!(bench.answer("start nginx"), "nginx is ready\n");
    assert_eq!(bench.answer("restart nginx"), "nginx is ready\n");
    let one = || Some(name("nginx"));
    assert_eq!(
        daemon.asked(),
        [Call::Stop(one()), Call::Start(one()), Call::Restart(one())]
    );
}

#[test]
fn reload_prints_what_the_daemon_says() {
    let bench = Bench::new();
    let _daemon = bench.daemon_that(ready(), |_| {
        Ok(Reply::Done(vec!["litellm: restarted".into()]))
    });
    assert_snapshot!(bench.run("reload"), @"
    exit: 0
    --- stdout ---
    litellm: restarted
    ");
}

#[test]
fn a_bad_configuration_has_its_own_exit_code() {
    let bench = Bench::new();
    let _daemon = bench.daemon_that(ready(), |_| {
        Err(Refusal::Configuration("gateway.toml:3: no such key".into()))
    });
    assert_snapshot!(bench.run("reload"), @"
    exit: 78
    --- stderr ---
    gateway.toml:3: no such key
    ");
}

#[test]
fn what_cannot_be_done_is_said() {
    let bench = Bench::new();
    let _daemon = bench.daemon_that(ready(), |_| {
        Err(Refusal::Failed(
            "nginx failed: it exited with code 1".into(),
        ))
    });
    assert_snapshot!(bench.run("restart"), @"
    exit: 1
    --- stderr ---
    error: nginx failed: it exited with code 1
    ");
}

#[test]
fn progress_is_told_line_by_line_where_there_is_no_terminal() {
    let bench = Bench::new();
    let status = gateway(
        GatewayState::Starting,
        &[
            ("litellm", StateName::Starting),
            ("nginx", StateName::Ready),
        ],
    );
    let daemon = bench.daemon(status.clone());
    daemon.hold(true);
    let mut child = bench
        .child("restart")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut next = || lines.next().map(Result::unwrap);
    let told = "1 of 2 ready: waiting for litellm";
    assert_eq!(next().as_deref(), Some(told));
    // The same again is nothing to tell.
    daemon.becomes(status);
    daemon.becomes(gateway(
        GatewayState::Starting,
        &[("litellm", StateName::Ready), ("nginx", StateName::Waiting)],
    ));
    let told = "1 of 2 ready: waiting for nginx";
    assert_eq!(next().as_deref(), Some(told));
    daemon.hold(false);
    assert_eq!(next(), None);
    assert!(child.wait().unwrap().success());
}

#[test]
fn who_stops_waiting_stops_nothing_else() {
    let bench = Bench::new();
    let starting = gateway(GatewayState::Starting, &[("nginx", StateName::Starting)]);
    let daemon = bench.daemon(starting);
    daemon.hold(true);
    let mut child = bench
        .child("start")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("waiting for nginx"));
    // The status comes by another connection, and may be there first.
    until("the start is asked for", || !daemon.asked().is_empty());
    let pid = Pid::from_raw(child.id().cast_signed());
    signal::kill(pid, Signal::SIGINT).unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(
        rest.concat()
            .contains("'ai-gateway status' shows how far it is"),
        "{rest:?}"
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(daemon.asked(), [Call::Start(None)]);
}

/// Root may always speak, so the stranger is another user; who is not root is a stranger to a
/// daemon of somebody else's.
#[test]
fn a_stranger_is_turned_away() {
    let bench = Bench::new();
    let us = Uid::effective();
    let _daemon = bench.daemon_of(Uid::from_raw(us.as_raw() + 1), ready());
    if us.is_root() {
        // Modes that would let anybody in, so that the kernel's word on who calls is what counts.
        for (path, mode) in [("", 0o755), ("run", 0o755), ("run/control.sock", 0o666)] {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(bench.home().join(path), mode).unwrap();
        }
    }
    let seen = bench.seen(&mut bench.as_person("status"));
    assert_snapshot!(seen, @"
    exit: 77
    --- stderr ---
    error: only the owner of the daemon and root may use $TEST/gw/run/control.sock
    hint: type the command as that user, or as root
    ");
}
