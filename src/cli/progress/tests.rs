use std::collections::BTreeMap;

use supervise::spec::ServiceName;

use super::*;
use crate::control::types::{
    ConfigurationState, Cpu, DietState, GatewayState, LimitsState, Memory, ServiceStatus, Urls,
};

/// Services by name and state; each has been in it for as many seconds as its name is long.
fn gateway(services: &[(&str, StateName)]) -> GatewayStatus {
    let service = |name: &str, state| ServiceStatus {
        state,
        since: format!("1970-01-01T00:01:{:02}Z", 40 - name.len()),
        reason: String::new(),
        pid: None,
        restarts: 0,
        outdated: None,
        listens: Vec::new(),
        cgroup: None,
        memory: Memory::default(),
        cpu: Cpu::default(),
    };
    GatewayStatus {
        state: GatewayState::Starting,
        profile: "small".into(),
        limits: LimitsState {
            enforced: true,
            reason: None,
        },
        urls: Urls::default(),
        configuration: ConfigurationState::default(),
        diet: DietState::default(),
        services: services
            .iter()
            .map(|(name, state)| (ServiceName::new(name).unwrap(), service(name, *state)))
            .collect::<BTreeMap<_, _>>(),
    }
}

fn at() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(100)
}

use StateName::{BackingOff, Failed, Ready, Starting, Stopped, Stopping, Waiting as Waits};

#[test]
fn on_the_way_up_the_slowest_is_named() {
    let status = gateway(&[
        ("litellm", Starting),
        ("nginx", Ready),
        ("open-webui", Waits),
        ("postgres", Ready),
    ]);
    let told = rising(&status, at(), &|_| None).unwrap().to_string();
    assert_eq!(told, "2 of 4 ready: waiting for litellm (7 s)");
}

#[test]
fn those_that_wait_are_named_when_nothing_else_is_on_the_way() {
    let status = gateway(&[
        ("litellm", Waits),
        ("open-webui", Waits),
        ("postgres", Failed),
    ]);
    let told = rising(&status, at(), &|_| None).unwrap().to_string();
    assert_eq!(
        told,
        "0 of 3 ready: waiting for litellm and open-webui (10 s)"
    );
}

#[test]
fn a_service_that_backs_off_is_on_the_way_and_a_failed_one_is_not() {
    let status = gateway(&[("a", BackingOff), ("b", Failed)]);
    let told = rising(&status, at(), &|_| None).unwrap().to_string();
    assert_eq!(told, "0 of 2 ready: waiting for a (1 s)");
    assert_eq!(
        rising(&gateway(&[("a", Ready), ("b", Failed)]), at(), &|_| None),
        None
    );
}

#[test]
fn on_the_way_down_what_is_still_up_is_named() {
    let status = gateway(&[
        ("litellm", Stopping),
        ("nginx", Stopped),
        ("postgres", Ready),
    ]);
    let told = falling(&status, at(), &|_| None).unwrap().to_string();
    assert_eq!(
        told,
        "1 of 3 stopped: waiting for litellm and postgres (8 s)"
    );
    let litellm = ServiceName::new("litellm").unwrap();
    let told = falling_one(&status, &litellm, at(), &|_| None)
        .unwrap()
        .to_string();
    assert_eq!(told, "waiting for litellm (7 s)");
    assert_eq!(
        falling(&gateway(&[("a", Stopped), ("b", Failed)]), at(), &|_| None),
        None
    );
}

#[test]
fn requests_that_are_waited_for_are_counted_where_they_are_known() {
    let status = gateway(&[("litellm", StateName::Draining), ("nginx", Stopped)]);
    let told = |count: Option<u64>| {
        let waiting = falling(&status, at(), &|_| count).unwrap();
        waiting.to_string()
    };
    assert_eq!(
        told(Some(2)),
        "1 of 2 stopped: waiting for 2 requests of litellm (7 s)"
    );
    assert_eq!(
        told(Some(1)),
        "1 of 2 stopped: waiting for 1 request of litellm (7 s)"
    );
    assert_eq!(
        told(None),
        "1 of 2 stopped: waiting for requests of litellm (7 s)"
    );
    let restarted = gateway(&[("litellm", Stopping), ("nginx", Ready)]);
    assert_eq!(
        rising(&restarted, at(), &|_| Some(2)).unwrap().to_string(),
        "1 of 2 ready: waiting for 2 requests of litellm (7 s)"
    );
    let name = ServiceName::new("litellm").unwrap();
    let one = falling_one(&status, &name, at(), &|_| Some(2)).unwrap();
    assert_eq!(one.to_string(), "waiting for 2 requests of litellm (7 s)");
}
