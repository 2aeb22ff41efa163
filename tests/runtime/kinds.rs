//! Services that run to their end, and services that somebody else runs.

use super::*;

#[test]
fn what_requires_a_task_starts_when_that_has_ended_well_and_it_runs_again_by_its_name() {
    let gateway = Gateway::start("task");
    gateway.until(|status| status.services["make"].state == StateName::Running);
    assert_eq!(gateway.status().services["after"].state, StateName::Waiting);
    fs::write(gateway.home().join("go"), "").unwrap();
    gateway.ask(&Call::Start(None)).unwrap();
    let status = gateway.status();
    assert_eq!(status.state, GatewayState::Ready);
    assert_eq!(status.services["make"].state, StateName::Completed);
    assert_eq!(status.services["make"].reason, "it exited with code 3");
    gateway.wrote("ran", "run\n");
    let after = gateway.pid("after");
    let done = gateway.ask(&Call::Start(Some(name("make")))).unwrap();
    assert_eq!(done, Reply::Done(vec!["make has ended well".to_owned()]));
    gateway.wrote("ran", "run\nrun\n");
    assert_eq!(gateway.pid("after"), after);
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
}

#[test]
fn what_somebody_else_runs_is_waited_for_and_never_started_or_stopped() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let gateway = Gateway::start_with("elsewhere", &[(scenarios::PORT, &port.to_string())]);
    let refusal = gateway.ask(&Call::Start(None)).unwrap_err().to_string();
    assert!(refusal.contains("there does not answer"), "{refusal}");
    let status = gateway.status();
    assert_eq!(status.state, GatewayState::Degraded);
    assert_eq!(status.services["here"].state, StateName::Waiting);
    let there = TcpListener::bind(("127.0.0.1", port)).unwrap();
    gateway.until(|status| status.state == GatewayState::Ready);
    assert_eq!(gateway.status().services["there"].pid, None);
    drop(there);
    gateway.until(|status| status.services["there"].state == StateName::Unhealthy);
    assert_eq!(gateway.status().services["here"].state, StateName::Ready);
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
}

#[test]
fn a_task_with_times_of_its_own_runs_at_each_and_nobody_waits_for_it() {
    let gateway = Gateway::start("again");
    gateway.until(|status| status.services["make"].state == StateName::Running);
    // It runs for as long as there is no file.
    gateway.ask(&Call::Start(None)).unwrap();
    assert_eq!(gateway.status().state, GatewayState::Ready);
    fs::write(gateway.home().join("go"), "").unwrap();
    while fs::read_to_string(gateway.home().join("ran")).map_or(0, |text| text.lines().count()) < 3
    {
        std::thread::yield_now();
    }
    assert_eq!(gateway.status().services["make"].restarts, 0);
    let log = gateway.log("ai-gateway");
    assert!(!log.contains("WARN make"), "{log}");
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
}

#[test]
fn who_restarts_or_reloads_everything_waits_for_no_stranger_and_no_task_that_is_done() {
    let there = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = there.local_addr().unwrap().port().to_string();
    let gateway = Gateway::start_with("kinds", &[(scenarios::PORT, &port)]);
    fs::write(gateway.home().join("go"), "").unwrap();
    gateway.ask(&Call::Start(None)).unwrap();
    let (external, beside) = (name("there"), gateway.pid("beside"));
    gateway.ask(&Call::Restart(Some(external))).unwrap();
    fs::write(
        gateway.home().join("scenario"),
        "kinds-with-another-deadline",
    )
    .unwrap();
    gateway.ask(&Call::Reload(None)).unwrap();
    assert_eq!(gateway.pid("beside"), beside);
    gateway.ask(&Call::Restart(None)).unwrap();
    assert_ne!(gateway.pid("beside"), beside);
    let Ok(Reply::Blame(blame)) = gateway.ask(&Call::Blame(None)) else {
        panic!("no answer");
    };
    for (service, start) in blame.services {
        assert!(start.ready_usec.is_some(), "{service}");
    }
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
}
