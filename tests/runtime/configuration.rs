//! The configuration of a daemon that runs: read again, applied, refused.

use super::*;

#[test]
fn a_reload_restarts_what_has_changed_and_nothing_else() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let (base, user) = (gateway.pid("base"), gateway.pid("user"));
    let nothing = vec!["nothing has changed".to_owned()];
    assert_eq!(
        gateway.ask(&Call::Reload(None)).unwrap(),
        Reply::Done(nothing)
    );
    fs::write(gateway.home().join("scenario"), "two-with-another-user").unwrap();
    let news = vec![
        "another is new and starts".to_owned(),
        "user has changed and restarts".to_owned(),
    ];
    assert_eq!(gateway.ask(&Call::Reload(None)).unwrap(), Reply::Done(news));
    assert_eq!(gateway.pid("base"), base);
    assert_ne!(gateway.pid("user"), user);
    fs::write(gateway.home().join("scenario"), "nonsense").unwrap();
    gateway.ask(&Call::Reload(None)).unwrap_err();
    assert_eq!(gateway.status().state, GatewayState::Ready);
}

/// Has the scenario be another one and reloads; what is told.
fn reload(gateway: &Gateway, scenario: &str) -> Result<Vec<String>, String> {
    fs::write(gateway.home().join("scenario"), scenario).expect("a folder of ours");
    match gateway.ask(&Call::Reload(None)) {
        Ok(Reply::Done(news)) => Ok(news),
        other => Err(other.expect_err("no news").to_string()),
    }
}

#[test]
fn a_changed_file_is_read_again_without_a_restart() {
    let gateway = Gateway::start("reads one");
    gateway.ask(&Call::Start(None)).unwrap();
    let (pid, seen) = (gateway.pid("reader"), gateway.home().join("seen"));
    let news = reload(&gateway, "reads two").unwrap();
    assert_eq!(news, ["reader goes on and reads its files again"]);
    gateway.wrote("seen", "two");
    assert_eq!(gateway.pid("reader"), pid);
    // By a request of its own, and with nothing new.
    fs::remove_file(&seen).unwrap();
    let one = || Call::Reload(Some(gateway::name("reader")));
    gateway.ask(&one()).unwrap();
    gateway.wrote("seen", "two");
    assert_eq!(gateway.pid("reader"), pid);
}

#[test]
fn who_refuses_its_files_goes_on_and_that_is_told_until_it_takes_others() {
    let gateway = Gateway::start("reads one");
    gateway.ask(&Call::Start(None)).unwrap();
    let pid = gateway.pid("reader");
    let outdated = || gateway.status().services["reader"].outdated.clone();
    for (scenario, why) in [
        ("reads bad", "the check of them exited with code 1"),
        ("reads slow", "no answer within 500ms"),
    ] {
        let refusal = reload(&gateway, scenario).unwrap_err();
        let wanted = format!("reader goes on with its old files: {why}");
        assert!(refusal.starts_with(&wanted), "{refusal}");
        assert_eq!(outdated().as_deref(), Some(why));
    }
    let seen = gateway.home().join("seen");
    assert_eq!(fs::read_to_string(seen).unwrap(), "one");
    reload(&gateway, "reads three").unwrap();
    assert_eq!(outdated(), None);
    assert_eq!(gateway.pid("reader"), pid);
}

#[test]
fn a_preview_tells_what_a_reload_would_do_and_does_nothing() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let user = gateway.pid("user");
    let preview = |scenario: &str| {
        fs::write(gateway.home().join("scenario"), scenario).unwrap();
        match gateway.ask(&Call::Preview) {
            Ok(Reply::Preview(preview)) => Ok(*preview),
            other => Err(other.unwrap_err().to_string()),
        }
    };
    let found = preview("two-with-another-user").unwrap();
    let steps: Vec<_> = found
        .services
        .iter()
        .map(|service| (service.service.as_str(), service.step))
        .collect();
    assert_eq!(
        steps,
        [
            ("another", ReloadStep::Start),
            ("user", ReloadStep::Restart)
        ]
    );
    assert_eq!(found.services[1].fields, ["command"]);
    let [key] = found.keys.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(key.key, "scenario");
    assert_eq!(key.services[&gateway::name("user")], ReloadStep::Restart);
    assert_eq!(preview("nonsense").unwrap_err(), "this is nonsense");
    assert_eq!(preview("two"), Ok(Preview::default()));
    let status = gateway.status();
    assert_eq!(status.configuration, ConfigurationState::default());
    assert_eq!(
        (status.state, gateway.pid("user")),
        (GatewayState::Ready, user)
    );
}

#[test]
fn what_is_gone_from_the_configuration_and_still_stops_is_reached_by_the_third_signal() {
    let gateway = Gateway::start("stubborn");
    gateway.ask(&Call::Start(None)).unwrap();
    reload(&gateway, "two").unwrap();
    assert!(gateway.status().services.contains_key("stubborn"));
    gateway.ask_three_times(libc::SIGTERM);
    gateway.ended(0);
}

#[test]
fn a_configuration_that_is_not_in_effect_shows_until_it_is() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let told = || gateway.status().configuration;
    assert_eq!(told(), ConfigurationState::default());
    fs::write(gateway.home().join("scenario"), "nonsense").unwrap();
    gateway.ask(&Call::Reload(None)).unwrap_err();
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
    gateway.ask(&Call::Reload(None)).unwrap();
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
    asked.begin(&Call::Reload(None)).unwrap();
    // One is read after the other, in the order in which they arrive.
    let mut again = gateway.connect();
    again.begin(&Call::Reload(None)).unwrap();
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
    assert_eq!(asked.finish(&Call::Reload(None)).unwrap(), nothing);
    assert_eq!(again.finish(&Call::Reload(None)).unwrap(), nothing);
}

#[test]
fn a_configuration_that_nobody_can_read_is_refused_in_time() {
    let gateway = Gateway::start("two");
    gateway.ask(&Call::Start(None)).unwrap();
    let scenario = endless(&gateway);
    let refusal = |call| gateway.ask(&call).unwrap_err().to_string();
    let late = refusal(Call::Reload(None));
    assert!(late.contains("was not read within 10s"), "{late}");
    // Its thread still waits, and there is no second one.
    let again = refusal(Call::Restart(None));
    assert!(again.contains("still waits for a file system"), "{again}");
    assert_eq!(gateway.status().state, GatewayState::Ready);
    fs::write(&scenario, "two").unwrap();
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
}
