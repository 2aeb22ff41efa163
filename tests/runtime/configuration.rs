//! The configuration of a daemon that runs: read again, applied, refused.

use super::*;

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
