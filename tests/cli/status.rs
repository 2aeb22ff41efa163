//! With a daemon that answers.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use ai_gateway::control::types::{GatewayState, HistoryEntry, LimitsState, Refusal, Reply, Why};
use insta::assert_snapshot;
use supervise::effect::StateName;

use crate::bench::{Bench, ago, gateway, name, ready, service};

#[test]
fn status_is_a_table() {
    let bench = Bench::new();
    let mut status = gateway(
        GatewayState::Degraded,
        &[
            ("litellm", StateName::BackingOff),
            ("nginx", StateName::Ready),
            ("open-webui", StateName::Waiting),
            ("postgres", StateName::Ready),
        ],
    );
    let litellm = status.services.get_mut("litellm").unwrap();
    litellm.reason = "it ran out of memory and was killed by the kernel".into();
    litellm.restarts = 3;
    status.services.get_mut("open-webui").unwrap().reason = "requested".into();
    status.limits = LimitsState {
        enforced: false,
        reason: Some("no cgroup is delegated to this user: run it as a unit".into()),
    };
    let _daemon = bench.daemon(status);
    assert_snapshot!(bench.run("status"), @"
    exit: 0
    --- stdout ---
    ai-gateway is degraded, 2 of 4 services ready, profile small

      SERVICE     STATE        SINCE  RESTARTS  MEMORY                 CPU
    ! litellm     backing-off    2 h         3  #.......  62 / 256 MB  3 s
    * nginx       ready          2 h         0  #.......  62 / 256 MB  3 s
    + open-webui  waiting        2 h         0  #.......  62 / 256 MB  3 s
    * postgres    ready          2 h         0  #.......  62 / 256 MB  3 s

    litellm is backing-off: it ran out of memory and was killed by the kernel
    open-webui is waiting: requested

    Chat   http://127.0.0.1:3000
    API    http://127.0.0.1:3000/api/litellm/v1
    Admin  http://127.0.0.1:4000/ui

    limits are not enforced: no cgroup is delegated to this user: run it as a unit
    ");
    let unicode = bench.seen(bench.command("status").env("LANG", "C.UTF-8"));
    assert!(unicode.contains("● nginx"), "{unicode}");
}

#[test]
fn a_service_that_was_stopped_is_not_missing() {
    let bench = Bench::new();
    let mut status = gateway(
        GatewayState::Ready,
        &[("nginx", StateName::Ready), ("mailer", StateName::Stopped)],
    );
    status.services.get_mut("mailer").unwrap().reason = "by request; it exited cleanly".into();
    let _daemon = bench.daemon(status);
    let seen = bench.run("status");
    assert!(
        seen.contains("ai-gateway is ready, 1 of 1 services ready, 1 stopped, profile small"),
        "{seen}"
    );
    assert!(
        seen.contains("mailer is stopped: by request; it exited cleanly"),
        "{seen}"
    );
}

#[test]
fn colours_come_when_they_are_wanted() {
    let bench = Bench::new();
    let _daemon = bench.daemon(ready());
    let coloured = |variables: &[(&str, &str)]| {
        let mut command = bench.command("status");
        bench
            .seen(command.envs(variables.iter().copied()))
            .contains('\u{1b}')
    };
    assert!(!coloured(&[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("NO_COLOR", "1")]));
}

#[test]
fn status_as_json_is_what_the_daemon_said() {
    let bench = Bench::new();
    let status = ready();
    let _daemon = bench.daemon(status.clone());
    let output = bench.command("status --json").output().unwrap();
    assert!(output.status.success());
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said, serde_json::to_value(&status).unwrap());
    let keys = |value: &serde_json::Value| {
        let names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        names.join(" ")
    };
    assert_eq!(
        keys(&said),
        "configuration diet limits profile services state urls"
    );
    assert_eq!(
        keys(&said["services"]["nginx"]),
        "cgroup cpu listens memory outdated pid reason restarts since state"
    );
}

#[test]
fn watching_elsewhere_than_on_a_terminal_tells_each_change_until_the_end() {
    let bench = Bench::new();
    // Made once: its times are in seconds.
    let status = ready();
    let daemon = bench.daemon(status.clone());
    let mut child = bench
        .child("status --watch --json")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || {
        lines
            .next()
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    };
    assert_eq!(next(), Some(status));
    let starting = gateway(GatewayState::Starting, &[("nginx", StateName::Starting)]);
    daemon.becomes(starting.clone());
    assert_eq!(next(), Some(starting));
    daemon.end();
    assert_eq!(next(), None);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_watch_and_a_log_that_nobody_reads_any_more_end() {
    let bench = Bench::new();
    let _daemon = bench.daemon(ready());
    bench.write(
        "state/logs/nginx.log",
        "2026-11-24T02:12:34.000001Z one\n2026-11-24T02:12:35.000001Z two\n",
    );
    for verb in [
        "status --watch",
        "status --watch --json",
        "logs -f",
        "logs nginx -f --json",
    ] {
        let mut child = bench.child(verb).stdout(Stdio::piped()).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{verb}");
        drop(reader);
        // Nothing changes from here on: it ends because its reader has gone.
        assert!(child.wait().unwrap().success(), "{verb}");
    }
}

#[test]
fn why_tells_the_history() {
    let bench = Bench::new();
    let entry = |seconds, state, reason: &str| HistoryEntry {
        at: ago(seconds),
        state,
        reason: reason.into(),
    };
    let mut status = service(StateName::Failed);
    status.reason = "it exited with code 1".into();
    status.restarts = 5;
    let why = Why {
        service: name("litellm"),
        status,
        history: vec![
            entry(14_461, StateName::Starting, "what it requires is ready"),
            entry(7_261, StateName::BackingOff, "it exited with code 1"),
            entry(7_260, StateName::Failed, "it exited with code 1"),
        ],
    };
    let _daemon = bench.daemon_that(ready(), move |_| Ok(Reply::Why(Box::new(why.clone()))));
    assert_snapshot!(bench.run("why litellm"), @"
    exit: 0
    --- stdout ---
    litellm: failed for 2 h (it exited with code 1)
    unplanned restarts since the daemon began: 5

    4 h ago  starting     what it requires is ready
    2 h ago  backing-off  it exited with code 1
    2 h ago  failed       it exited with code 1

    what it logged: ai-gateway logs litellm
    ");
    let output = bench.command("why litellm --json").output().unwrap();
    let said: Why = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said.history.len(), 3);
}

#[test]
fn an_unknown_service_is_told_which_there_are() {
    let bench = Bench::new();
    let _daemon = bench.daemon_that(ready(), |_| {
        Err(Refusal::UnknownService {
            name: "ngnix".into(),
            known: vec!["nginx".into(), "postgres".into()],
        })
    });
    assert_snapshot!(bench.run("why ngnix"), @"
    exit: 2
    --- stderr ---
    error: no service is named ngnix: there are nginx, postgres
    ");
    assert!(bench.run("stop ngnix").starts_with("exit: 2\n"));
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let bench = Bench::new();
    let _daemon = bench.daemon(ready());
    for arguments in ["status", "--help", "completions bash"] {
        let mut child = bench
            .child(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments}");
        assert!(output.status.success(), "{arguments}");
    }
}
