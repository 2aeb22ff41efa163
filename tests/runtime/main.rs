//! The daemon with real processes: shells that do as each test wants.
//!
//! A daemon is a process of its own (it is the parent of orphans, and has its own signals), so each
//! test starts this very program again with a scenario in its environment.

mod configuration;
mod gateway;
mod journal;
mod kinds;
mod left;
mod manager;
mod own;
mod scenarios;
mod sockets;

use std::{
    fs,
    io::{ErrorKind, Read},
    net::{SocketAddr, TcpListener, TcpStream},
    os::{
        fd::AsFd as _,
        unix::{
            fs::PermissionsExt as _,
            net::{UnixListener, UnixStream},
        },
    },
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use ai_gateway::{
    control::types::{Blame, Call, ConfigurationState, GatewayState, Preview, ReloadStep, Reply},
    runtime::orphans,
};
use gateway::{Gateway, name};
use nix::{
    poll::{PollFd, PollFlags, poll},
    sys::{
        signal::{Signal, kill},
        stat::Mode,
    },
    unistd::{Pid, mkfifo},
};
use supervise::effect::StateName;

#[test]
fn everything_becomes_ready_in_order_and_stops_without_a_trace() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let status = gateway.status();
    assert_eq!(status.state, GatewayState::Ready);
    let started: Vec<_> = gateway
        .log("ai-gateway")
        .lines()
        .filter_map(starts)
        .collect();
    assert_eq!(started, ["base", "user"]);
    assert_eq!(gateway.ask(&Call::Stop(None)).unwrap(), Reply::Done(vec![]));
    gateway.ended(0);
    assert_eq!(gateway.members(), Vec::<i32>::new());
    assert!(!gateway.paths().control_socket().exists());
}

/// The service that a line of the daemon's log says to be starting.
fn starts(line: &str) -> Option<String> {
    let (before, _) = line.split_once(" is starting")?;
    Some(before.rsplit(' ').next()?.to_owned())
}

#[test]
fn a_killed_service_comes_back_alone_and_leaves_nobody_behind() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let (base, user) = (gateway.pid("base"), gateway.pid("user"));
    let children = sys::proc::descendants(base, |_| true).unwrap();
    assert!(!children.is_empty(), "the shell has a child");
    gateway.kill(base, libc::SIGKILL);
    gateway.until(|status| {
        let base_status = &status.services["base"];
        base_status.restarts == 1 && base_status.state == StateName::Ready
    });
    assert_ne!(gateway.pid("base"), base);
    assert_eq!(gateway.pid("user"), user);
    for child in children {
        assert!(
            !gateway.members().contains(&child),
            "a child outlived its service"
        );
    }
    let Reply::Why(why) = gateway.ask(&Call::Why(gateway::name("base"))).unwrap() else {
        panic!("not an answer to why")
    };
    assert!(
        why.history
            .iter()
            .any(|m| m.reason == "it was ended by signal 9"),
        "{why:?}"
    );
}

fn blamed(gateway: &Gateway, service: Option<&str>) -> Blame {
    match gateway.ask(&Call::Blame(service.map(gateway::name))) {
        Ok(Reply::Blame(blame)) => *blame,
        other => panic!("not an answer to blame: {other:?}"),
    }
}

#[test]
fn the_last_start_of_everything_stays_what_it_was_when_a_service_is_restarted() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let first = blamed(&gateway, None);
    let (base, user) = (
        &first.services[&gateway::name("base")],
        &first.services[&gateway::name("user")],
    );
    assert_eq!(base.wanted_usec, Some(0));
    assert_eq!(user.waited_for, Some(gateway::name("base")));
    assert_eq!(user.launched_usec, base.ready_usec);
    assert!(base.launched_usec < base.answered_usec, "{base:?}");
    // It has no probe.
    assert_eq!(
        (user.answered_usec, user.ready_usec.is_some()),
        (None, true)
    );

    gateway
        .ask(&Call::Restart(Some(gateway::name("base"))))
        .unwrap();
    assert_eq!(blamed(&gateway, None).services, first.services);
    let newest = blamed(&gateway, Some("base"));
    assert_eq!(newest.services.len(), 1);
    assert!(newest.began > first.began, "{newest:?} {first:?}");

    gateway.ask(&Call::Restart(None)).unwrap();
    let again = blamed(&gateway, None);
    assert!(again.began > newest.began, "{again:?} {newest:?}");
    assert_eq!(again.services.len(), 2);
    gateway
        .ask(&Call::Blame(Some(gateway::name("nobody"))))
        .unwrap_err();
}

#[test]
fn a_service_may_say_itself_when_it_had_imported_and_started() {
    let gateway = Gateway::start("telling");
    gateway.ask(&Call::Start(None)).unwrap();
    let told = &blamed(&gateway, None).services[&gateway::name("telling")];
    let milestones = [
        told.launched_usec,
        told.imported_usec,
        told.started_usec,
        told.answered_usec,
    ];
    assert!(
        milestones.iter().all(Option::is_some) && milestones.is_sorted(),
        "{told:?}"
    );
}

#[test]
fn whoever_was_answered_sees_in_the_next_status_what_was_done() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let user = || gateway.status().services["user"].clone();
    for _ in 0..10 {
        gateway.ask(&Call::Stop(Some(name("user")))).unwrap();
        let stopped = user();
        assert_eq!((stopped.state, stopped.pid), (StateName::Stopped, None));
        gateway.ask(&Call::Start(Some(name("user")))).unwrap();
        let started = user();
        assert_eq!(
            (started.state, started.pid.is_some()),
            (StateName::Ready, true)
        );
        let Reply::Why(why) = gateway.ask(&Call::Why(name("user"))).unwrap() else {
            panic!("not an answer to why")
        };
        assert_eq!(
            why.history.last().map(|last| last.state),
            Some(StateName::Ready)
        );
        assert!(why.status.memory.current > Some(0), "{why:?}");
    }
}

fn runs(pid: i32) -> bool {
    sys::proc::stat(pid).is_ok_and(|stat| !stat.zombie)
}

#[test]
fn every_kind_of_readiness_makes_ready() {
    let gateway = Gateway::start("probes");
    gateway.ask(&Call::Start(None)).unwrap();
    for (name, status) in gateway.status().services {
        assert_eq!(status.state, StateName::Ready, "{name}");
    }
}

#[test]
fn a_command_that_hangs_is_a_probe_that_failed() {
    let gateway = Gateway::start("hanging-probe");
    gateway.until(|status| status.services["ill"].state == StateName::Unhealthy);
    assert_eq!(
        gateway.status().services["ill"].reason,
        "its probe failed: no answer within 100ms"
    );
}

#[test]
fn what_was_seen_before_an_answer_says_nothing_of_a_later_silence() {
    let gateway = Gateway::start_with("now-and-then", &[(scenarios::PORT, &free_port())]);
    gateway.until(|status| status.services["now-and-then"].state == StateName::Unhealthy);
    assert_eq!(gateway.status().services["now-and-then"].restarts, 0);
}

#[test]
fn what_cannot_be_launched_fails_for_good_and_the_others_go_on() {
    let gateway = Gateway::start("broken");
    let refusal = gateway.ask(&Call::Start(None)).unwrap_err().to_string();
    assert!(refusal.contains("broken has failed"), "{refusal}");
    assert!(refusal.contains("No such file"), "{refusal}");
    gateway.until(|status| status.services["fine"].state == StateName::Ready);
    assert_eq!(gateway.status().state, GatewayState::Degraded);
}

#[test]
fn a_second_daemon_is_told_that_there_is_one() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let second = gateway.again("two");
    let said = second.ended(1);
    assert!(said.contains("runs already (process"), "{said}");
    assert_eq!(gateway.status().state, GatewayState::Ready);
}

#[test]
fn a_second_daemon_is_refused_though_the_folder_of_sockets_is_gone() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    fs::remove_dir_all(gateway.paths().run).unwrap();
    let second = gateway.again("two");
    let said = second.ended(1);
    let pid = gateway.daemon();
    assert!(
        said.contains(&format!("runs already (process {pid})")),
        "{said}"
    );
    gateway.kill(pid, libc::SIGTERM);
    gateway.ended(0);
    assert_eq!(gateway.members(), Vec::<i32>::new());
}

#[test]
fn the_next_daemon_may_start_as_soon_as_the_connection_to_the_last_one_closes() {
    let mut gateway = Gateway::start("two");
    for _ in 0..5 {
        gateway.ask(&Call::Start(None)).unwrap();
        let mut until = gateway.connect();
        let mut watcher = gateway.connect();
        watcher.watch().unwrap();
        gateway.ask(&Call::Stop(None)).unwrap();
        until.wait_for_end().unwrap();
        gateway = gateway.again("two");
    }
    gateway.ask(&Call::Start(None)).unwrap();
}

#[test]
fn a_signal_stops_in_order_and_three_do_not_wait() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    gateway.kill(gateway.daemon(), libc::SIGTERM);
    gateway.ended(0);
    assert_eq!(gateway.members(), Vec::<i32>::new());

    let gateway = Gateway::start("stubborn");
    gateway.ask(&Call::Start(None)).unwrap();
    gateway.ask_three_times(libc::SIGINT);
    gateway.ended(0);
    assert_eq!(gateway.members(), Vec::<i32>::new());
}

#[test]
fn lines_of_a_service_are_in_its_log() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
    let log = gateway.log("base");
    let texts: Vec<_> = log
        .lines()
        .filter_map(|l| Some(l.split_once(' ')?.1))
        .collect();
    assert_eq!(texts, ["base is up", "base goes down"]);
}

#[test]
fn an_idle_daemon_does_nothing_at_all() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let calls = gateway.switches();
    // Nobody can wait for nothing to happen: a second is what it takes to see a poll of that pace.
    gateway.rest(Duration::from_secs(1));
    assert_eq!(gateway.switches(), calls);
}

#[test]
fn a_daemon_that_was_stopped_by_a_signal_is_named() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let pid = gateway.daemon();
    gateway.kill(pid, libc::SIGSTOP);
    gateway.until_stopped();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_ai-gateway"))
        .arg("status")
        .env("AI_GATEWAY_HOME", gateway.home())
        .output()
        .unwrap();
    gateway.kill(pid, libc::SIGCONT);
    let said = String::from_utf8(status.stderr).unwrap();
    assert_eq!(status.status.code(), Some(1), "{said}");
    let wanted = [
        format!("the daemon (process {pid}) does not answer: a signal has stopped it"),
        format!("'kill -CONT {pid}' lets it go on"),
    ];
    assert!(wanted.iter().all(|wanted| said.contains(wanted)), "{said}");
}

fn free_port() -> String {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("an address").port().to_string()
}

#[test]
fn a_service_that_hangs_is_restarted() {
    let gateway = Gateway::start_with("hangs", &[(scenarios::PORT, &free_port())]);
    gateway.ask(&Call::Start(None)).unwrap();
    for (restarts, signal, why) in [
        (1, libc::SIGSTOP, "and a signal has stopped it"),
        (2, libc::SIGUSR1, "and it does nothing"),
    ] {
        gateway.kill(gateway.pid("hangs"), signal);
        gateway.until(|status| {
            let service = &status.services["hangs"];
            service.restarts == restarts && service.state == StateName::Ready
        });
        let Reply::Why(told) = gateway.ask(&Call::Why(gateway::name("hangs"))).unwrap() else {
            panic!("not an answer to why")
        };
        let reasons: Vec<_> = told.history.iter().map(|entry| &entry.reason).collect();
        let hung = |reason: &&&String| reason.starts_with("it hangs: ") && reason.contains(why);
        assert!(reasons.iter().any(|reason| hung(&reason)), "{reasons:?}");
    }
}
