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
    gateway.ask(&Call::Start(Some(name("make")))).unwrap();
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
