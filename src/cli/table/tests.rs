use insta::assert_snapshot;

use super::*;
use crate::control::types::{ConfigurationState, Cpu, DietState, LimitsState, Urls};

const SCREEN: Screen = Screen {
    width: usize::MAX,
    height: usize::MAX,
    unicode: true,
    terminal: false,
};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A service that has been in `state` since the epoch.
fn service(state: StateName, current: u64, cpu: u64) -> ServiceStatus {
    ServiceStatus {
        state,
        since: "1970-01-01T00:00:00Z".into(),
        reason: "its probe passed".into(),
        pid: Some(7),
        restarts: 0,
        outdated: None,
        listens: Vec::new(),
        cgroup: None,
        memory: Memory {
            current: Some(current * 1_000_000),
            max: Some(480_000_000),
            ..Memory::default()
        },
        cpu: Cpu {
            usage_usec: Some(cpu),
            quota: None,
        },
    }
}

fn gateway() -> GatewayStatus {
    let name = |name| ServiceName::new(name).unwrap();
    let mut failed = service(StateName::Failed, 0, 0);
    failed.restarts = 5;
    failed.reason = "it exited with code 1".into();
    failed.memory = Memory::default();
    failed.cpu = Cpu::default();
    let mut unlimited = service(StateName::Ready, 9, 61_000_000);
    unlimited.memory.max = None;
    GatewayStatus {
        state: GatewayState::Degraded,
        profile: "small".into(),
        limits: LimitsState {
            enforced: false,
            reason: Some("there is no delegated cgroup".into()),
        },
        urls: Urls::from_iter([
            ("webui", Some("http://127.0.0.1:3000".into())),
            ("api", Some("http://127.0.0.1:3000/api/litellm/v1".into())),
            ("admin", Some("http://127.0.0.1:4000/ui".into())),
        ]),
        configuration: ConfigurationState::default(),
        diet: DietState::default(),
        services: BTreeMap::from([
            (name("litellm"), service(StateName::Ready, 312, 42_000_000)),
            (name("nginx"), unlimited),
            (name("open-webui"), service(StateName::Starting, 460, 900)),
            (name("postgres"), failed),
        ]),
    }
}

fn picture(status: &GatewayStatus, screen: Screen, earlier: Option<&Sample>) -> String {
    let lines = lines(status, screen, at(200), earlier);
    let text: String = lines
        .iter()
        .map(|line| line.render(screen.width) + "\n")
        .collect();
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn a_person_sees_what_matters() {
    assert_snapshot!(picture(&gateway(), SCREEN, None), @"
    ai-gateway is degraded · 2 of 4 services ready · profile small

      SERVICE     STATE     SINCE  RESTARTS  MEMORY                    CPU
    ● litellm     ready     3 min         0  ▇▇▇▇▇▁▁▁  312 / 480 MB   42 s
    ● nginx       ready     3 min         0                    9 MB  1 min
    ◐ open-webui  starting  3 min         0  ▇▇▇▇▇▇▇▁  460 / 480 MB    0 s
    ✗ postgres    failed    3 min         5

    postgres is failed: it exited with code 1

    Chat   http://127.0.0.1:3000
    API    http://127.0.0.1:3000/api/litellm/v1
    Admin  http://127.0.0.1:4000/ui

    limits are not enforced: there is no delegated cgroup
    ");
}

#[test]
fn without_unicode_it_is_ascii() {
    let screen = Screen {
        unicode: false,
        ..SCREEN
    };
    let picture = picture(&gateway(), screen, None);
    assert!(picture.is_ascii());
    assert_snapshot!(picture, @"
    ai-gateway is degraded, 2 of 4 services ready, profile small

      SERVICE     STATE     SINCE  RESTARTS  MEMORY                    CPU
    * litellm     ready     3 min         0  #####...  312 / 480 MB   42 s
    * nginx       ready     3 min         0                    9 MB  1 min
    + open-webui  starting  3 min         0  #######.  460 / 480 MB    0 s
    x postgres    failed    3 min         5

    postgres is failed: it exited with code 1

    Chat   http://127.0.0.1:3000
    API    http://127.0.0.1:3000/api/litellm/v1
    Admin  http://127.0.0.1:4000/ui

    limits are not enforced: there is no delegated cgroup
    ");
}

#[test]
fn a_narrow_screen_keeps_what_matters_most() {
    let rows = |width| {
        let screen = Screen { width, ..SCREEN };
        let text = picture(&gateway(), screen, None);
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{line}");
        }
        text.lines()
            .skip(2)
            .take(3)
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    assert_snapshot!(rows(80), @"
      SERVICE     STATE     SINCE  RESTARTS  MEMORY                    CPU
    ● litellm     ready     3 min         0  ▇▇▇▇▇▁▁▁  312 / 480 MB   42 s
    ● nginx       ready     3 min         0                    9 MB  1 min
    ");
    assert_snapshot!(rows(60), @"
      SERVICE     STATE     SINCE  RESTARTS        MEMORY
    ● litellm     ready     3 min         0  312 / 480 MB
    ● nginx       ready     3 min         0          9 MB
    ");
    assert_snapshot!(rows(40), @"
      SERVICE     STATE     SINCE
    ● litellm     ready     3 min
    ● nginx       ready     3 min
    ");
    assert_snapshot!(rows(25), @"
      SERVICE     STATE
    ● litellm     ready
    ● nginx       ready
    ");
}

#[test]
fn between_two_samples_cpu_is_a_share() {
    let mut status = gateway();
    let earlier = Sample::of(&status, at(198));
    for (name, more) in [("litellm", 3_000_000), ("nginx", 10_000)] {
        let service = status.services.get_mut(name).unwrap();
        service.cpu.usage_usec = service.cpu.usage_usec.map(|used| used + more);
    }
    // It was restarted and counts from zero again.
    status
        .services
        .get_mut("open-webui")
        .unwrap()
        .cpu
        .usage_usec = Some(1);
    let text = picture(&status, SCREEN, Some(&earlier));
    let column: Vec<_> = text
        .lines()
        .skip(3)
        .take(4)
        .map(|line| line.ends_with('%'))
        .collect();
    assert_eq!(column, [true, true, false, false]);
    assert!(text.contains(" 150 %") && text.contains("  0 %"), "{text}");
}

#[test]
fn enforced_limits_are_not_spoken_of() {
    let mut status = gateway();
    status.limits.enforced = true;
    assert!(!picture(&status, SCREEN, None).contains("limits"));
}

#[test]
fn colours_say_how_a_service_is() {
    let styled = |state| {
        let mut status = gateway();
        status.services.get_mut("nginx").unwrap().state = state;
        lines(&status, SCREEN, at(200), None)[4].render(12)
    };
    assert!(styled(StateName::Ready).starts_with("\u{1b}[32m"));
    assert!(styled(StateName::Failed).starts_with("\u{1b}[31m"));
}
