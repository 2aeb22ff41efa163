//! The daemon with real processes: shells that do as each test wants.
//!
//! A daemon is a process of its own (it is the parent of orphans, and has its own signals), so each
//! test starts this very program again with a scenario in its environment.

mod gateway;
mod journal;
mod manager;
mod scenarios;

use std::{
    fs,
    io::{ErrorKind, Read as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsFd as _,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use ai_gateway::{
    control::types::{Blame, Call, ConfigurationState, GatewayState, Reply},
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
    let moments = [
        told.launched_usec,
        told.imported_usec,
        told.started_usec,
        told.answered_usec,
    ];
    assert!(
        moments.iter().all(Option::is_some) && moments.is_sorted(),
        "{told:?}"
    );
}

#[test]
fn a_process_that_left_its_group_is_ended_with_its_service() {
    let gateway = Gateway::start("runaway");
    gateway.ask(&Call::Start(None)).unwrap();
    // The shell, and the sleeper in a session of its own, whose parent is gone.
    assert_eq!(gateway.members().len(), 2);
    gateway
        .ask(&Call::Stop(Some(gateway::name("runaway"))))
        .unwrap();
    assert_eq!(gateway.members(), Vec::<i32>::new());
    assert_eq!(
        gateway.status().services["runaway"].state,
        StateName::Stopped
    );
}

fn runs(pid: i32) -> bool {
    sys::proc::stat(pid).is_ok_and(|stat| !stat.zombie)
}

#[test]
fn whatever_a_command_forks_is_ended_with_its_service_and_with_the_daemon() {
    let gateway = Gateway::start("forks");
    gateway.ask(&Call::Start(None)).unwrap();
    let left = ["twice", "session"].map(|file| gateway.wrote_pid(file));
    let traceless = gateway.wrote_pid("traceless");
    for file in ["twice", "session", "traceless"] {
        fs::remove_file(gateway.home().join(file)).unwrap();
    }
    gateway
        .ask(&Call::Restart(Some(gateway::name("forks"))))
        .unwrap();
    assert_eq!(left.map(runs), [false; 2], "they outlived a restart");
    let next = ["twice", "session", "traceless"].map(|file| gateway.wrote_pid(file));
    assert_eq!(next.map(runs), [true; 3]);
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
    // Nothing tells whose the ones without a trace were, but that they are the daemon's.
    assert_eq!(next.map(runs), [false; 3]);
    assert!(!runs(traceless));
}

#[test]
fn after_a_killed_daemon_there_is_one_of_a_service_that_has_moved() {
    for scenario in ["mover", "untitled"] {
        let gateway = Gateway::start(scenario);
        gateway.ask(&Call::Start(None)).unwrap();
        let before = match scenario {
            "mover" => gateway.wrote_pid("moved"),
            _ => gateway.pid(scenario),
        };
        gateway.kill(gateway.daemon(), libc::SIGKILL);
        gateway.wait();
        assert!(runs(before));
        let next = gateway.again(scenario);
        next.ask(&Call::Start(None)).unwrap();
        assert!(!runs(before), "two of {scenario}");
        next.ask(&Call::Stop(None)).unwrap();
        next.ended(0);
    }
}

#[test]
fn who_works_in_a_services_folder_is_not_ended() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let folder = gateway.paths().state.join("services/base");
    let mut guest = std::process::Command::new("sleep")
        .arg("1000")
        .current_dir(folder)
        .spawn()
        .unwrap();
    gateway.kill(gateway.daemon(), libc::SIGKILL);
    gateway.wait();
    let next = gateway.again("two");
    next.ask(&Call::Start(None)).unwrap();
    next.ask(&Call::Stop(None)).unwrap();
    next.ended(0);
    assert!(guest.try_wait().unwrap().is_none(), "it is somebody else's");
    guest.kill().unwrap();
    guest.wait().unwrap();
}

#[test]
fn a_copy_of_a_state_has_no_processes() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let members = gateway.members();
    let copy = tempfile::tempdir().unwrap();
    for file in ["identity", "processes.json", "daemon.lock"] {
        let from = gateway.paths().state.join(file);
        fs::copy(from, copy.path().join(file)).unwrap();
    }
    let ended = orphans::end(copy.path(), &[], &mut |_| {}).unwrap();
    assert_eq!((ended, gateway.members()), (0, members));
}

#[test]
fn what_a_killed_daemon_left_is_stopped_in_order_and_by_its_own_steps() {
    let order = |gateway: &Gateway| {
        let path = gateway.home().join("order");
        let order = fs::read_to_string(&path).unwrap();
        fs::remove_file(path).unwrap();
        order
    };
    let gateway = Gateway::start("ordered");
    gateway.ask(&Call::Start(None)).unwrap();
    gateway.kill(gateway.daemon(), libc::SIGKILL);
    gateway.wait();
    let next = gateway.again("ordered");
    next.ask(&Call::Start(None)).unwrap();
    assert_eq!(order(&next), "user drains\nuser TERM\nbase INT\n");
    // Without a specification what was written down tells how, but for commands.
    next.kill(next.daemon(), libc::SIGKILL);
    next.wait();
    let mut told = Vec::new();
    let tell = &mut |what: &str| told.push(what.to_owned());
    let ended = orphans::end(&next.paths().state, &[], tell).unwrap();
    assert_eq!(order(&next), "user TERM\nbase INT\n");
    assert!(ended >= 2, "{ended}");
    assert!(told[0].starts_with("stopping user (process "), "{told:?}");
    assert_eq!(next.members(), Vec::<i32>::new());
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
fn somebody_else_on_its_port_does_not_make_a_service_ready() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let gateway = Gateway::start_with("impostor", &[(scenarios::PORT, &port.to_string())]);
    // The next probe comes only when the one before has failed.
    for _ in 0..3 {
        let mut asked = [PollFd::new(stranger.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut asked, 20_000_u16).unwrap(), 1, "no further probe");
        drop(stranger.accept().unwrap());
    }
    assert_eq!(
        gateway.status().services["listening"].state,
        StateName::Starting
    );
    drop(stranger);
    fs::write(gateway.home().join("listen"), "").unwrap();
    gateway.until(|status| status.services["listening"].state == StateName::Ready);
}

/// The number of the process that answers there, however long it takes to be there.
fn answered_by(address: SocketAddr) -> String {
    let mut said = String::new();
    let mut client = TcpStream::connect(address).expect("nobody is refused");
    client.read_to_string(&mut said).expect("an answer");
    said
}

#[test]
fn a_held_socket_refuses_nobody_and_stays_whatever_happens_to_its_service() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let gateway = Gateway::start_with("held", &[(scenarios::PORT, &address.port().to_string())]);
    gateway.until(|status| status.services["held"].state == StateName::Ready);
    let flag = gateway.home().join("answer");
    assert_eq!(
        gateway.status().services["held"].listens,
        [address.to_string()]
    );
    // Everybody who can bind waits for the moment in which the service is away.
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stranger = scope.spawn(|| {
            let mut tries = 0;
            while !ended.load(Ordering::Relaxed) {
                let error = TcpListener::bind(address).map(drop).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::AddrInUse);
                tries += 1;
            }
            tries
        });
        let early = scope.spawn(move || answered_by(address));
        fs::write(&flag, "").unwrap();
        let first = early.join().unwrap();
        // Killed, and stopped to be started again, with a client in between.
        for again in 0..2 {
            fs::remove_file(&flag).unwrap();
            let before = gateway.status().services["held"].pid.unwrap();
            if again == 0 {
                kill(Pid::from_raw(before.cast_signed()), Signal::SIGKILL).unwrap();
            } else {
                gateway.ask(&Call::Restart(Some(name("held")))).unwrap();
            }
            gateway.until(|status| {
                let held = &status.services["held"];
                held.pid.is_some_and(|pid| pid != before) && held.state == StateName::Ready
            });
            let waits = scope.spawn(move || answered_by(address));
            fs::write(&flag, "").unwrap();
            let answered = waits.join().unwrap();
            assert_ne!(answered, first);
        }
        ended.store(true, Ordering::Relaxed);
        assert!(stranger.join().unwrap() > 0);
    });
    gateway.ask(&Call::Stop(Some(name("held")))).unwrap();
    TcpStream::connect(address).unwrap_err();
    gateway.ask(&Call::Start(Some(name("held")))).unwrap();
    answered_by(address);
}

#[test]
fn a_port_that_somebody_has_is_named_and_taken_once_it_is_free() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port().to_string();
    let gateway = Gateway::start_with("held", &[(scenarios::PORT, &port)]);
    let refusal = gateway.ask(&Call::Start(None)).unwrap_err().to_string();
    let who = format!("(process {}) listens there", std::process::id());
    assert!(refusal.contains(&who), "{refusal}");
    drop(stranger);
    gateway.ask(&Call::Start(None)).unwrap();
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
fn what_a_killed_daemon_left_is_ended_before_anything_starts() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let left = gateway.members();
    gateway.kill(gateway.daemon(), libc::SIGKILL);
    gateway.wait();
    assert_eq!(gateway.members(), left);
    let next = gateway.again("two");
    next.ask(&Call::Start(None)).unwrap();
    let now = next.members();
    assert!(
        left.iter().all(|pid| !now.contains(pid)),
        "{left:?} {now:?}"
    );
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
    // Signals merge: each has to be taken before the next.
    for taken in ["stopping", "once more"] {
        gateway.kill(gateway.daemon(), libc::SIGINT);
        gateway.logged(taken);
    }
    gateway.kill(gateway.daemon(), libc::SIGINT);
    gateway.ended(0);
    assert_eq!(gateway.members(), Vec::<i32>::new());
}

#[test]
fn a_reload_restarts_what_has_changed_and_nothing_else() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let (base, user) = (gateway.pid("base"), gateway.pid("user"));
    let nothing = vec!["nothing has changed".to_owned()];
    assert_eq!(gateway.ask(&Call::Reload).unwrap(), Reply::Done(nothing));
    fs::write(gateway.home().join("scenario"), "two-with-another-user").unwrap();
    let news = vec![
        "another is new and starts".to_owned(),
        "user has changed and restarts".to_owned(),
    ];
    assert_eq!(gateway.ask(&Call::Reload).unwrap(), Reply::Done(news));
    assert_eq!(gateway.pid("base"), base);
    assert_ne!(gateway.pid("user"), user);
    fs::write(gateway.home().join("scenario"), "nonsense").unwrap();
    gateway.ask(&Call::Reload).unwrap_err();
    assert_eq!(gateway.status().state, GatewayState::Ready);
}

#[test]
fn a_configuration_that_is_not_in_effect_shows_until_it_is() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let told = || gateway.status().configuration;
    assert_eq!(told(), ConfigurationState::default());
    fs::write(gateway.home().join("scenario"), "nonsense").unwrap();
    gateway.ask(&Call::Reload).unwrap_err();
    fs::write(gateway.home().join("scenario"), "two-with-another-user").unwrap();
    let state = ConfigurationState {
        differs: vec!["scenario".to_owned()],
        invalid: None,
        refused: Some("this is nonsense".to_owned()),
    };
    assert_eq!(told(), state);
    // One service restarts as it was, and that is told.
    gateway
        .ask(&Call::Restart(Some(gateway::name("user"))))
        .unwrap();
    assert_eq!(told(), state);
    gateway.ask(&Call::Reload).unwrap();
    assert_eq!(told(), ConfigurationState::default());
}

#[test]
fn a_restart_of_everything_applies_the_configuration_or_restarts_nothing() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let pids = || (gateway.pid("base"), gateway.pid("user"));
    let before = pids();
    fs::write(gateway.home().join("scenario"), "nonsense").unwrap();
    gateway.ask(&Call::Restart(None)).unwrap_err();
    assert_eq!(pids(), before);
    fs::write(gateway.home().join("scenario"), "two-with-another-user").unwrap();
    let Reply::Done(news) = gateway.ask(&Call::Restart(None)).unwrap() else {
        panic!("no news");
    };
    assert_eq!(
        news,
        ["another is new and starts", "user has changed and restarts"]
    );
    let after = pids();
    assert!(
        after.0 != before.0 && after.1 != before.1,
        "{before:?} {after:?}"
    );
    assert_eq!(gateway.status().state, GatewayState::Ready);
    assert_eq!(
        gateway.status().configuration,
        ConfigurationState::default()
    );
    // With nothing new it restarts all the same, and has no news.
    let Reply::Done(news) = gateway.ask(&Call::Restart(None)).unwrap() else {
        panic!("no answer");
    };
    assert!(news.is_empty() && pids().0 != after.0, "{news:?}");
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

/// A file that opens and never ends, as one on a mount that does not answer.
fn endless(gateway: &Gateway) -> std::path::PathBuf {
    let scenario = gateway.home().join("scenario");
    fs::remove_file(&scenario).expect("it is there");
    mkfifo(&scenario, Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
    scenario
}

#[test]
fn the_loop_turns_while_a_configuration_is_read() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let scenario = endless(&gateway);
    let mut asked = gateway.connect();
    asked.begin(&Call::Reload).unwrap();
    // One is read after the other, in the order in which they arrive.
    let mut again = gateway.connect();
    again.begin(&Call::Reload).unwrap();
    assert_eq!(gateway.status().state, GatewayState::Ready);
    let user = gateway.pid("user");
    gateway.kill(user, libc::SIGKILL);
    gateway.until(|status| status.services["user"].restarts == 1);
    fs::write(&scenario, "two").unwrap();
    let mut answered = [
        PollFd::new(asked.as_fd(), PollFlags::POLLIN),
        PollFd::new(again.as_fd(), PollFlags::POLLIN),
    ];
    assert_eq!(poll(&mut answered, 20_000_u16).unwrap(), 1, "no answer");
    fs::write(&scenario, "two").unwrap();
    let nothing = Reply::Done(vec!["nothing has changed".to_owned()]);
    assert_eq!(asked.finish(&Call::Reload).unwrap(), nothing);
    assert_eq!(again.finish(&Call::Reload).unwrap(), nothing);
}

#[test]
fn a_configuration_that_nobody_can_read_is_refused_in_time() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let scenario = endless(&gateway);
    let refusal = |call| gateway.ask(&call).unwrap_err().to_string();
    let late = refusal(Call::Reload);
    assert!(late.contains("was not read within 10s"), "{late}");
    // Its thread still waits, and there is no second one.
    let again = refusal(Call::Restart(None));
    assert!(again.contains("still waits for a file system"), "{again}");
    assert_eq!(gateway.status().state, GatewayState::Ready);
    fs::write(&scenario, "two").unwrap();
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
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
        let reasons: Vec<_> = told.history.iter().map(|moment| &moment.reason).collect();
        let hung = |reason: &&&String| reason.starts_with("it hangs: ") && reason.contains(why);
        assert!(reasons.iter().any(|reason| hung(&reason)), "{reasons:?}");
    }
}
