//! Where the time of a start went.

use std::collections::BTreeMap;

use ai_gateway::control::types::{Blame, Call, Refusal, Reply, ServiceStart};
use insta::assert_snapshot;
use supervise::effect::StateName;

use crate::bench::{Bench, ago, name, ready};

fn start(waited_for: Option<&str>, launched: u64, ready: u64) -> ServiceStart {
    ServiceStart {
        state: StateName::Ready,
        requires: waited_for.map(name).into_iter().collect(),
        wanted_usec: Some(0),
        waited_for: waited_for.map(name),
        launched_usec: Some(launched),
        imported_usec: None,
        started_usec: None,
        answered_usec: Some(ready),
        ready_usec: Some(ready),
    }
}

fn blame() -> Blame {
    Blame {
        began: ago(7200),
        now_usec: 7_200_000_000,
        services: BTreeMap::from([
            (name("nginx"), start(None, 0, 42_000)),
            (name("postgres"), start(None, 0, 180_000)),
            (
                name("litellm"),
                start(Some("postgres"), 180_000, 12_345_000),
            ),
        ]),
    }
}

#[test]
fn blame_shows_the_slowest_first_and_the_chain_that_was_waited_for() {
    let bench = Bench::new();
    let daemon = bench.daemon_that(ready(), |_| Ok(Reply::Blame(Box::new(blame()))));
    assert_snapshot!(bench.run("blame"), @"
    exit: 0
    --- stdout ---
    ai-gateway was ready 12.3s after its start began, 2 h ago

    SERVICE    TOOK  WAITED  ANSWER
    litellm   12.1s   180ms   12.1s  ########################################
    postgres  180ms           180ms  #
    nginx      42ms            42ms  #

    The whole start waited for (@ when it was ready, + how long that took):
    litellm @12.3s +12.1s
    `-postgres @180ms +180ms
    ");
    assert_eq!(daemon.asked(), [Call::Blame(None)]);
}

#[test]
fn blame_of_one_service_shows_its_steps() {
    let bench = Bench::new();
    let daemon = bench.daemon_that(ready(), |_| Ok(Reply::Blame(Box::new(blame()))));
    assert_snapshot!(bench.run("blame litellm"), @"
    exit: 0
    --- stdout ---
    litellm was ready 12.3s after it was wanted, 2 h ago

    180ms  waited for postgres     .
    12.1s  until its probe passed  ########################################
    ");
    assert_eq!(daemon.asked(), [Call::Blame(Some(name("litellm")))]);
}

#[test]
fn blame_as_json_is_what_the_daemon_said() {
    let bench = Bench::new();
    let said = blame();
    let answer = said.clone();
    let _daemon = bench.daemon_that(ready(), move |_| Ok(Reply::Blame(Box::new(answer.clone()))));
    let output = bench.command("blame --json").output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json, serde_json::to_value(&said).unwrap());
    let names: Vec<_> = json["services"]["nginx"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        names.join(" "),
        "answered_usec imported_usec launched_usec ready_usec requires started_usec state \
         waited_for wanted_usec"
    );
}

#[test]
fn blame_needs_a_daemon_and_a_service_that_there_is() {
    let bench = Bench::new();
    assert!(bench.run("blame").starts_with("exit: 69\n"));
    let _daemon = bench.daemon_that(ready(), |_| {
        Err(Refusal::UnknownService {
            name: "ngnix".into(),
            known: vec!["nginx".into()],
        })
    });
    assert_snapshot!(bench.run("blame ngnix"), @"
    exit: 2
    --- stderr ---
    error: no service is named ngnix: there are nginx
    ");
}
