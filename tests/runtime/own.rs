//! Services of people's own, written as people write them: they have what the built-in ones have.

use super::*;

/// A service with this name whose shell runs this, and these keys.
fn service(name: &str, script: &str, more: &str) -> String {
    format!("[service.{name}]\ncommand = [\"/bin/sh\", \"-c\", '''{script}''']\n{more}\n")
}

/// The line of this number that services have written, once it is there.
fn line(gateway: &Gateway, file: &std::path::Path, number: usize) -> String {
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        if let Some(line) = whole.lines().nth(number) {
            return line.to_owned();
        }
        assert_ne!(gateway.status().state, GatewayState::Stopped, "{text}");
        std::thread::yield_now();
    }
}

#[test]
fn a_command_that_goes_into_the_background_is_ended_with_what_it_has_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("left");
    let at = file.display();
    // As a program does that makes a daemon of itself: its first process ends when the other one runs.
    let script = format!(
        "setsid sh -c 'echo $$ >>{at}; exec sleep 1000' & \
         until test -s {at}; do sleep 0.01; done; exit 0"
    );
    let left = || -> Vec<i32> {
        let text = fs::read_to_string(&file).unwrap_or_default();
        text.lines().filter_map(|pid| pid.parse().ok()).collect()
    };
    let never = service("leaves", &script, "restart = \"on-failure\"");
    let gateway = Gateway::start(&never);
    gateway.until(|status| {
        let leaves = &status.services["leaves"];
        leaves.state == StateName::Stopped && leaves.reason == "it exited cleanly"
    });
    assert_eq!(
        left().iter().map(|&pid| runs(pid)).collect::<Vec<_>>(),
        [false]
    );
    assert_eq!(gateway.members(), Vec::<i32>::new());
    // And once more if it is to be there always.
    fs::remove_file(&file).unwrap();
    let always = service("leaves", &script, "restart = \"always\"");
    fs::write(gateway.home().join("scenario"), always).unwrap();
    gateway.ask(&Call::Reload(None)).unwrap();
    gateway.ask(&Call::Start(None)).unwrap();
    gateway.until(|status| status.services["leaves"].restarts > 0);
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
    let all = left();
    assert!(!all.is_empty() && !all.into_iter().any(runs));
}

#[test]
fn somebody_else_on_the_port_that_is_probed_makes_no_service_ready() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = stranger.local_addr().unwrap();
    let probe = format!("probe = {{ tcp = \"{at}\" }}");
    let gateway = Gateway::start(&service("mine", "exec sleep 1000", &probe));
    // The next probe comes only when the one before has failed.
    for _ in 0..2 {
        let mut asked = [PollFd::new(stranger.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut asked, 20_000_u16).unwrap(), 1, "no further probe");
        drop(stranger.accept().unwrap());
    }
    assert_eq!(gateway.status().services["mine"].state, StateName::Starting);
    gateway.ask(&Call::Stop(None)).unwrap();
}

#[test]
fn a_task_is_waited_for_by_its_exit_and_one_with_a_schedule_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran").display().to_string();
    let text = [
        service(
            "make",
            &format!("echo run >>{ran}; exit 3"),
            "kind = \"task\"\nsuccess_exit = [3]\ndeadline = \"1 min\"",
        ),
        service("mine", "exec sleep 1000", "requires = [\"make\"]"),
        service(
            "nightly",
            "exit 9",
            "kind = \"task\"\nschedule = \"every 6 h\"\nrestart = \"never\"",
        ),
    ]
    .concat();
    let gateway = Gateway::start(&text);
    gateway.ask(&Call::Start(None)).unwrap();
    let status = gateway.status();
    assert_eq!(status.state, GatewayState::Ready);
    let states = ["make", "mine", "nightly"].map(|name| status.services[name].state);
    assert_eq!(
        states,
        [StateName::Completed, StateName::Ready, StateName::Scheduled]
    );
    gateway.ask(&Call::Start(Some(name("make")))).unwrap();
    assert_eq!(fs::read_to_string(&ran).unwrap(), "run\nrun\n");
    // By hand at any time, and its failure is told to who asks.
    let refusal = gateway
        .ask(&Call::Start(Some(name("nightly"))))
        .unwrap_err();
    assert!(refusal.to_string().contains("code 9"), "{refusal}");
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
}

#[test]
fn keys_come_from_a_file_and_a_reload_takes_up_what_is_new_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, said) = (folder.path().join("keys"), folder.path().join("said"));
    let write = |text: &str| {
        fs::write(&keys, text).unwrap();
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("KEY=sk-one\n");
    let more = format!("environment_file = \"{}\"", keys.display());
    let script = format!("echo $KEY >>{}; exec sleep 1000", said.display());
    let gateway = Gateway::start(&service("mine", &script, &more));
    gateway.ask(&Call::Start(None)).unwrap();
    assert_eq!(line(&gateway, &said, 0), "sk-one");
    write("KEY=sk-two\n");
    let news = gateway.ask(&Call::Reload(None)).unwrap();
    let restarts = vec!["mine has changed and restarts".to_owned()];
    assert_eq!(news, Reply::Done(restarts));
    assert_eq!(line(&gateway, &said, 1), "sk-two");
    for secret in ["sk-one", "sk-two"] {
        assert!(!gateway.log("ai-gateway").contains(secret));
    }
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
}

#[test]
fn a_service_of_ones_own_takes_its_files_up_by_its_own_action() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script = format!(
        "trap 'echo hup >>{at}' HUP; echo up; while :; do sleep 1000 & wait $!; done",
        at = seen.display()
    );
    let ready = "probe = { log = \"up\" }\n";
    let signal = format!("{ready}reload = \"HUP\"");
    let gateway = Gateway::start(&service("mine", &script, &signal));
    gateway.ask(&Call::Start(None)).unwrap();
    let pid = gateway.pid("mine");
    gateway.ask(&Call::Reload(Some(name("mine")))).unwrap();
    assert_eq!(line(&gateway, &seen, 0), "hup");
    // Another action is no reason to restart, and holds at once.
    let run = format!(
        "{ready}reload = [\"/bin/sh\", \"-c\", \"echo run >>{}\"]",
        seen.display()
    );
    fs::write(
        gateway.home().join("scenario"),
        service("mine", &script, &run),
    )
    .unwrap();
    gateway.ask(&Call::Reload(None)).unwrap();
    gateway.ask(&Call::Reload(Some(name("mine")))).unwrap();
    assert_eq!(line(&gateway, &seen, 1), "run");
    assert_eq!(gateway.pid("mine"), pid);
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
}
