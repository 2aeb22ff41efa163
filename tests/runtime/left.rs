//! What is ours is found and ended, whatever it does to hide, and nothing else is.

use super::*;

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
