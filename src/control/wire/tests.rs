use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use supervise::effect::StateName;

use super::*;
use crate::control::types::{
    Blame, ConfigurationState, Cpu, DietState, GatewayState, HistoryEntry, KeyPreview, LimitsState,
    Memory, Preview, ReloadStep, ServicePreview, ServiceStart, ServiceStatus, Urls, Why,
};
use crate::{config, services};

fn name(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

fn service() -> ServiceStatus {
    ServiceStatus {
        state: StateName::Ready,
        since: "2026-11-24T02:12:33Z".into(),
        reason: "its probe passed".into(),
        pid: Some(4711),
        restarts: 1,
        outdated: None,
        listens: vec!["unix:/gw/litellm.sock".into()],
        cgroup: Some("/gw/litellm".into()),
        memory: Memory {
            current: Some(1),
            peak: Some(2),
            high: Some(3),
            max: Some(4),
        },
        cpu: Cpu {
            usage_usec: Some(5),
            quota: Some(0.5),
        },
    }
}

fn status() -> GatewayStatus {
    GatewayStatus {
        state: GatewayState::Ready,
        profile: "small".into(),
        limits: LimitsState {
            enforced: false,
            reason: Some("no delegated cgroup".into()),
        },
        urls: Urls::from_iter([
            ("webui", Some("http://127.0.0.1:3000".into())),
            ("api", Some("http://127.0.0.1:3000/api/litellm/v1".into())),
            ("admin", Some("http://127.0.0.1:4000/ui".into())),
        ]),
        configuration: ConfigurationState::default(),
        diet: DietState::default(),
        services: BTreeMap::from([(name("litellm"), service())]),
    }
}

fn why() -> Why {
    Why {
        service: name("litellm"),
        status: service(),
        history: vec![HistoryEntry {
            at: "2026-11-24T02:12:33Z".into(),
            state: StateName::Ready,
            reason: "its probe passed".into(),
        }],
    }
}

fn blame() -> Blame {
    let start = ServiceStart {
        state: StateName::Ready,
        requires: vec![name("postgres")],
        wanted_usec: Some(0),
        waited_for: Some(name("postgres")),
        launched_usec: Some(180_000),
        imported_usec: None,
        started_usec: None,
        answered_usec: Some(9_000_000),
        ready_usec: Some(9_310_000),
    };
    Blame {
        began: "2026-11-24T02:12:33.000Z".into(),
        now_usec: 20_000_000,
        services: BTreeMap::from([(name("litellm"), start)]),
    }
}

fn preview() -> Preview {
    Preview {
        services: vec![ServicePreview {
            service: name("litellm"),
            step: ReloadStep::NextStart,
            fields: vec!["command".into()],
            over_limit: None,
        }],
        keys: vec![KeyPreview {
            key: "budget".into(),
            services: BTreeMap::from([(name("litellm"), ReloadStep::Restart)]),
            over_limit: BTreeMap::from([(name("litellm"), "it holds 3 MB".into())]),
        }],
    }
}

fn calls() -> Vec<Call> {
    let one = || Some(name("litellm"));
    vec![
        Call::Status,
        Call::Start(None),
        Call::Start(one()),
        Call::Stop(None),
        Call::Stop(one()),
        Call::Restart(None),
        Call::Restart(one()),
        Call::Reload(None),
        Call::Reload(one()),
        Call::Why(name("litellm")),
        Call::Preview,
        Call::Blame(None),
        Call::Blame(one()),
    ]
}

/// Over the wire and back.
fn sent<T: Serialize + serde::de::DeserializeOwned>(message: &T) -> T {
    let bytes = frame(message);
    serde_json::from_slice(&bytes[..bytes.len() - 1]).unwrap()
}

fn request(text: &str) -> Request {
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_call_arrives_as_it_was_sent() {
    for call in calls() {
        let arrived = sent(&Request::of(&call)).meaning();
        assert_eq!(arrived, Ok(Method::Call(call)));
    }
    assert_eq!(sent(&Request::watch()).meaning(), Ok(Method::Watch));
}

#[test]
fn every_reply_arrives_as_it_was_sent() {
    let done = || Reply::Done(vec!["litellm is ready".into()]);
    for call in calls() {
        let reply = match &call {
            Call::Status => Reply::Status(Box::new(status())),
            Call::Why(_) => Reply::Why(Box::new(why())),
            Call::Preview => Reply::Preview(Box::new(preview())),
            Call::Blame(_) => Reply::Blame(Box::new(blame())),
            Call::Start(_) | Call::Stop(_) | Call::Restart(_) | Call::Reload(_) => done(),
        };
        let response = Response::of(&reply);
        assert_eq!(sent(&response).reply_to(&call).unwrap(), reply);
    }
    let watched = sent(&Response::of(&Reply::Status(Box::new(status()))).and_more());
    assert!(watched.continues);
    assert_eq!(watched.status().unwrap(), status());
}

#[test]
fn every_fault_arrives_as_it_was_sent() {
    let refusals = [
        Refusal::UnknownService {
            name: "x".into(),
            known: vec!["a".into(), "b".into()],
        },
        Refusal::Failed("m".into()),
        Refusal::Configuration("r".into()),
        Refusal::Ending,
    ];
    let others = [
        Fault::InterfaceNotFound("i".into()),
        Fault::MethodNotFound("m".into()),
        Fault::InvalidParameter("p".into()),
        Fault::PermissionDenied,
        Fault::ExpectedMore,
    ];
    for fault in refusals.map(Fault::Refused).into_iter().chain(others) {
        match sent(&fault.response()).reply_to(&Call::Status) {
            Err(NotAReply::Fault(arrived)) => assert_eq!(arrived, fault),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_fault_of_a_later_version_keeps_its_name() {
    let response: Response =
        serde_json::from_str(r#"{"error":"io.aigateway.Control.TooLate"}"#).unwrap();
    let Err(NotAReply::Fault(Fault::Refused(refusal))) = response.status() else {
        panic!("not a refusal");
    };
    assert_eq!(
        refusal.to_string(),
        "the daemon answered io.aigateway.Control.TooLate"
    );
}

#[test]
fn a_wrong_call_is_told_what_is_wrong_with_it() {
    let ours = |method: &str, rest: &str| {
        request(&format!(
            r#"{{"method":"io.aigateway.Control.{method}"{rest}}}"#
        ))
        .meaning()
    };
    let parameter = |name: &str| Err(Fault::InvalidParameter(name.to_owned()));
    assert_eq!(
        ours("Stop", r#","parameters":{"servcie":"a"}"#),
        parameter("servcie")
    );
    assert_eq!(
        ours("Stop", r#","parameters":{"service":1}"#),
        parameter("service")
    );
    assert_eq!(
        ours("Stop", r#","parameters":{"service":"../x"}"#),
        parameter("service")
    );
    assert_eq!(ours("Stop", r#","parameters":[]"#), parameter("parameters"));
    assert_eq!(
        ours("Status", r#","parameters":{"all":true}"#),
        parameter("all")
    );
    assert_eq!(ours("Why", ""), parameter("service"));
    assert_eq!(ours("Watch", ""), Err(Fault::ExpectedMore));
    assert_eq!(
        ours("Explode", ""),
        Err(Fault::MethodNotFound("io.aigateway.Control.Explode".into()))
    );
    for (method, interface) in [("io.other.Do", "io.other"), ("x", "x"), ("", "")] {
        assert_eq!(
            request(&json!({ "method": method }).to_string()).meaning(),
            Err(Fault::InterfaceNotFound(interface.into()))
        );
    }
}

#[test]
fn an_omitted_service_is_all_of_them() {
    for rest in [
        "",
        r#","parameters":{}"#,
        r#","parameters":{"service":null}"#,
    ] {
        let request = request(&format!(
            r#"{{"method":"io.aigateway.Control.Stop"{rest}}}"#
        ));
        assert_eq!(request.meaning(), Ok(Method::Call(Call::Stop(None))));
    }
}

/// Names after a keyword at the beginnings of the description's lines.
fn described(keyword: &str) -> BTreeSet<String> {
    DESCRIPTION
        .lines()
        .filter_map(|line| line.strip_prefix(keyword)?.strip_prefix(' '))
        .map(|rest| rest.split(['(', ' ']).next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_description_names_every_method_and_no_other() {
    let methods: BTreeSet<String> = calls()
        .iter()
        .map(Request::of)
        .chain([Request::watch()])
        .map(|request| request.method.rsplit_once('.').unwrap().1.to_owned())
        .collect();
    assert_eq!(described("method"), methods);
    assert_eq!(described("interface"), BTreeSet::from([INTERFACE.into()]));
}

/// The fields of `type NAME (…)` in the description.
fn fields(of: &str) -> BTreeSet<String> {
    let (_, rest) = DESCRIPTION.split_once(&format!("\ntype {of} (")).unwrap();
    let (body, _) = rest.split_once("\n)").unwrap();
    body.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .map(|(field, _)| field.trim().to_owned())
        .collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_description_has_the_fields_that_are_sent() {
    let status = json!(status());
    let service = &status["services"]["litellm"];
    assert_eq!(fields("Gateway"), keys(&status));
    assert_eq!(fields("Limits"), keys(&status["limits"]));
    assert_eq!(fields("Urls"), keys(&status["urls"]));
    let settings = config::of_profile(services::schema(), "local", "").unwrap();
    assert_eq!(fields("Urls"), keys(&json!(services::urls(&settings))));
    assert_eq!(fields("Service"), keys(service));
    assert_eq!(fields("Memory"), keys(&service["memory"]));
    assert_eq!(fields("Cpu"), keys(&service["cpu"]));
    assert_eq!(fields("HistoryEntry"), keys(&json!(why())["history"][0]));
}

#[test]
fn a_message_is_refused_as_soon_as_it_is_too_long() {
    let mut frames = Frames::new(4);
    frames.push(b"1234\0");
    assert_eq!(frames.take(), Ok(Some(b"1234".to_vec())));
    frames.push(b"12345");
    assert_eq!(frames.take(), Err(TooLong { limit: 4 }));
    let mut frames = Frames::new(4);
    frames.push(b"12345\0");
    assert_eq!(frames.take(), Err(TooLong { limit: 4 }));
}

proptest! {
    #[test]
    fn messages_arrive_whole_however_they_are_cut(
        messages in proptest::collection::vec(proptest::collection::vec(1..=255u8, 0..40), 0..8),
        cuts in proptest::collection::vec(1..30usize, 1..50),
    ) {
        let stream: Vec<u8> = messages.iter().flat_map(|m| [&m[..], &[0]].concat()).collect();
        let (mut frames, mut arrived, mut rest) = (Frames::new(40), Vec::new(), &stream[..]);
        for cut in cuts.iter().cycle() {
            let (chunk, later) = rest.split_at((*cut).min(rest.len()));
            frames.push(chunk);
            while let Some(message) = frames.take().unwrap() {
                arrived.push(message);
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(arrived, messages);
    }

    #[test]
    fn no_bytes_make_the_reader_fall(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut frames = Frames::new(64);
        frames.push(&bytes);
        while let Ok(Some(message)) = frames.take() {
            if let Ok(request) = serde_json::from_slice::<Request>(&message) {
                drop(request.meaning());
            }
        }
    }
}
