use std::{collections::BTreeMap, time::Duration};

use insta::assert_snapshot;

use super::*;

fn name(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

fn ready(wanted_for: Option<&str>, launched: u64, answered: u64, ready: u64) -> ServiceStart {
    ServiceStart {
        state: StateName::Ready,
        requires: wanted_for.map(name).into_iter().collect(),
        wanted_usec: Some(0),
        waited_for: wanted_for.map(name),
        launched_usec: Some(launched),
        imported_usec: None,
        started_usec: None,
        answered_usec: Some(answered),
        ready_usec: Some(ready),
    }
}

fn blame() -> Blame {
    let python = |imported, started, start| ServiceStart {
        imported_usec: Some(imported),
        started_usec: Some(started),
        ..start
    };
    let postgres = || Some("postgres");
    let litellm = ready(postgres(), 181_000, 9_100_000, 9_415_000);
    let webui = ready(postgres(), 181_000, 5_500_000, 5_500_000);
    Blame {
        began: "1970-01-01T00:00:00.000Z".into(),
        now_usec: 200_000_000,
        services: BTreeMap::from([
            (name("litellm"), python(4_200_000, 9_000_000, litellm)),
            (name("nginx"), ready(None, 0, 41_600, 41_600)),
            (name("open-webui"), python(3_000_000, 5_420_000, webui)),
            (name("postgres"), ready(None, 0, 181_000, 181_000)),
        ]),
    }
}

fn screen(width: usize, unicode: bool) -> Screen {
    Screen {
        width,
        height: 24,
        unicode,
        terminal: true,
    }
}

fn text(lines: &[Line], width: usize) -> String {
    let line = |line: &Line| anstream::adapter::strip_str(&line.render(width)).to_string() + "\n";
    lines.iter().map(line).collect()
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn a_start_that_is_over() {
    assert_snapshot!(text(&whole(&blame(), screen(100, true), at(200)), 100), @"
    ai-gateway was ready 9.41s after its start began, 3 min ago

    SERVICE      TOOK  WAITED  IMPORTS    APP  ANSWER  AFTER
    litellm     9.23s   181ms    4.01s  4.80s   100ms  315ms  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
    open-webui  5.31s   181ms    2.81s  2.42s    80ms         ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
    postgres    181ms                           181ms         ▇
    nginx        42ms                            42ms         ▇

    The whole start waited for (@ when it was ready, + how long that took):
    litellm @9.41s +9.23s
    └─postgres @181ms +181ms
    ");
}

#[test]
fn a_narrow_screen_without_unicode_keeps_what_matters() {
    assert_snapshot!(text(&whole(&blame(), screen(40, false), at(200)), 40), @"
    ai-gateway was ready 9.41s after its
    start began, 3 min ago

    SERVICE      TOOK
    litellm     9.23s
    open-webui  5.31s
    postgres    181ms
    nginx        42ms

    The whole start waited for (@ when it
    was ready, + how long that took):
    litellm @9.41s +9.23s
    `-postgres @181ms +181ms
    ");
}

#[test]
fn a_start_that_goes_on_or_has_failed_says_so() {
    let mut blame = blame();
    blame.now_usec = 7_000_000;
    let start = |blame: &mut Blame, service: &str, change: &dyn Fn(&mut ServiceStart)| {
        change(blame.services.get_mut(service).unwrap());
    };
    start(&mut blame, "litellm", &|start| {
        start.state = StateName::Starting;
        (start.imported_usec, start.started_usec) = (None, None);
        (start.answered_usec, start.ready_usec) = (None, None);
    });
    start(&mut blame, "nginx", &|start| {
        start.state = StateName::Failed;
        (start.answered_usec, start.ready_usec) = (None, None);
    });
    assert_snapshot!(text(&whole(&blame, screen(80, true), at(7)), 80), @"
    ai-gateway began to start 7.00s ago: 2 of 4 ready

    SERVICE     STATE      TOOK  WAITED  IMPORTS    APP  ANSWER
    litellm     starting  6.81s   181ms                   6.81s  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
    nginx       failed
    open-webui            5.31s   181ms    2.81s  2.42s    80ms  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
    postgres              181ms                           181ms  ▇

    The whole start waited for (@ when it was ready, + how long that took):
    litellm starting +6.81s
    └─postgres @181ms +181ms
    ");
}

#[test]
fn one_service_has_its_steps_one_below_the_other() {
    let litellm = name("litellm");
    let blame = blame();
    let shown = |start: &ServiceStart| {
        let mut blame = blame.clone();
        blame.services.insert(litellm.clone(), start.clone());
        text(&one(&litellm, &blame, screen(100, true), at(200)), 100)
    };
    let mut start = blame.services[&litellm].clone();
    assert_snapshot!(shown(&start), @"
    litellm was ready 9.41s after it was wanted, 3 min ago

    181ms  waited for postgres         ·
    4.01s  imported its modules        ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
    4.80s  started its application                      ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
    100ms  until its probe passed                                            ▇
    315ms  ran its post-start command                                        ▇▇
    ");
    start.state = StateName::Waiting;
    start.waited_for = None;
    (start.launched_usec, start.imported_usec) = (None, None);
    (start.started_usec, start.answered_usec) = (None, None);
    start.ready_usec = None;
    assert_snapshot!(shown(&start), @"
    litellm was wanted 3min 20.0s ago and is waiting

    3min 20.0s  waits for postgres  ········································
    ");
    start.wanted_usec = None;
    assert_snapshot!(shown(&start), @"litellm was not started since the daemon began");
}

#[test]
fn a_chain_that_bites_its_tail_ends() {
    let mut blame = blame();
    let postgres = blame.services.get_mut(&name("postgres")).unwrap();
    postgres.waited_for = Some(name("litellm"));
    assert_eq!(chain(&blame), [&name("litellm"), &name("postgres")]);
}

#[test]
fn times_have_three_places() {
    for (usec, told) in [
        (0, "0ms"),
        (499, "0ms"),
        (999_400, "999ms"),
        (999_500, "1.00s"),
        (9_420_000, "9.42s"),
        (59_949_000, "59.9s"),
        (72_345_000, "1min 12.3s"),
    ] {
        assert_eq!(exact(usec), told);
    }
}
