//! What is said, as a story of states.

use std::slice::Iter;

use supervise::{
    effect::Reason,
    event::{Exit, Instance},
    spec::ServiceName,
};

use super::{
    Notification::{
        Errno, ExitStatus, ExtendTimeout, MainPid, Ready, Reloading, Status, Stopping, Watchdog,
    },
    *,
};

fn status(line: &str) -> Notification {
    Status(line.to_owned())
}

fn extend(seconds: u64) -> Notification {
    ExtendTimeout(Duration::from_secs(seconds))
}

fn service(name: &str, state: StateName) -> UnitStatus {
    UnitStatus {
        instance: Instance {
            service: ServiceName::new(name).unwrap(),
            generation: 1,
        },
        state,
        since: Time::default(),
        reason: Reason::Exited(Exit::Code(3)),
        restarts: 0,
        waits_for: Vec::new(),
        reloading: false,
        outdated: None,
        renewed: false,
        external: false,
        scheduled: false,
    }
}

/// A notifier, the states of two services, and the time.
struct Story {
    notifier: Notifier,
    services: Vec<UnitStatus>,
    patience: Option<u64>,
    now: u64,
}

const PID: u32 = 42;

impl Story {
    fn of(watchdog: Option<u64>) -> Self {
        let environment = NotifyEnvironment {
            socket: None,
            watchdog: watchdog.map(Duration::from_secs),
            pid: PID,
        };
        Self {
            notifier: Notifier::new(&environment, Time::default()),
            services: vec![
                service("base", StateName::Starting),
                service("user", StateName::Waiting),
            ],
            patience: Some(30),
            now: 0,
        }
    }

    fn ready(mut self) -> Self {
        self.become_ready();
        let _said = self.news();
        self
    }

    fn become_ready(&mut self) {
        for service in &mut self.services {
            service.state = StateName::Ready;
        }
        self.patience = None;
    }

    fn ask(
        &mut self,
        what: impl FnOnce(&mut Notifier, View<Iter<'_, UnitStatus>>) -> Vec<Notification>,
    ) -> Vec<Notification> {
        let view = View {
            services: self.services.iter(),
            patience: self.patience.map(|s| Time(Duration::from_secs(s))),
            now: Time(Duration::from_secs(self.now)),
        };
        what(&mut self.notifier, view)
    }

    fn news(&mut self) -> Vec<Notification> {
        self.ask(|notifier, view| notifier.news(view))
    }
}

#[test]
fn a_start_is_told_step_by_step_and_each_step_once() {
    let mut story = Story::of(None);
    assert_eq!(
        story.news(),
        [status("0 of 2 ready: waiting for base (0 s)"), extend(45)]
    );
    assert_eq!(story.news(), []);
    story.now = 2;
    assert_eq!(
        story.news(),
        [status("0 of 2 ready: waiting for base (2 s)")]
    );
    story.services[0].state = StateName::Ready;
    story.services[1].state = StateName::Starting;
    story.patience = Some(300);
    assert_eq!(
        story.news(),
        [status("1 of 2 ready: waiting for user (2 s)"), extend(313)]
    );
    story.become_ready();
    assert_eq!(story.news(), [Ready, MainPid(PID), status("2 of 2 ready")]);
    assert_eq!(story.news(), []);
}

#[test]
fn ready_is_never_said_before_everything_is() {
    for state in [
        StateName::Waiting,
        StateName::Starting,
        StateName::Unhealthy,
        StateName::Draining,
        StateName::Stopping,
        StateName::BackingOff,
        StateName::Failed,
    ] {
        let mut story = Story::of(None);
        story.services = vec![service("base", StateName::Ready), service("user", state)];
        assert!(!story.news().contains(&Ready), "{state}");
    }
    let mut story = Story::of(None);
    story.services = vec![service("base", StateName::Stopped)];
    assert!(!story.news().contains(&Ready), "nothing runs");
    story.services.push(service("user", StateName::Ready));
    assert!(story.news().contains(&Ready), "one is not meant to run");
}

#[test]
fn a_start_that_only_a_person_can_end_is_not_timed_out() {
    let mut story = Story::of(None);
    story.services = vec![
        service("base", StateName::Ready),
        service("user", StateName::Failed),
    ];
    story.patience = None;
    let [Status(line), extended] = &story.news()[..] else {
        panic!("a status and more time");
    };
    assert!(
        line.contains("user has failed: it exited with code 3"),
        "{line}"
    );
    assert_eq!(*extended, ExtendTimeout(UNTIL_SOMEBODY_HELPS + MARGIN));
    story.become_ready();
    assert_eq!(story.news()[0], Ready);
}

#[test]
fn trouble_after_ready_is_a_status_and_nothing_else() {
    let mut story = Story::of(None).ready();
    story.services[1].state = StateName::BackingOff;
    story.patience = Some(10);
    assert_eq!(
        story.news(),
        [status(
            "1 of 2 ready: user is tried again soon: it exited with code 3"
        )]
    );
    story.become_ready();
    assert_eq!(story.news(), [status("2 of 2 ready")]);
}

#[test]
fn a_reload_begins_with_its_time_and_ends_with_ready() {
    let mut story = Story::of(None).ready();
    let monotonic = Duration::from_micros(1_234_567);
    assert_eq!(
        story.ask(|notifier, _| notifier.reload(monotonic)),
        [Reloading(monotonic), status("reloading")]
    );
    story.services[1].state = StateName::Starting;
    story.patience = Some(30);
    assert_eq!(
        story.news(),
        [
            status("reloading: 1 of 2 ready: waiting for user (0 s)"),
            extend(45)
        ]
    );
    story.become_ready();
    assert_eq!(
        story.ask(|notifier, view| notifier.reloaded(None, view)),
        [Ready, status("2 of 2 ready")]
    );
    assert_eq!(story.news(), []);
}

#[test]
fn a_reload_that_was_refused_is_over_and_the_status_says_why_until_the_next() {
    let mut story = Story::of(None).ready();
    let reload = |story: &mut Story| story.ask(|notifier, _| notifier.reload(Duration::ZERO));
    let _said = reload(&mut story);
    let why = "no such\nkey".to_owned();
    assert_eq!(
        story.ask(|notifier, view| notifier.reloaded(Some(why), view)),
        [
            Ready,
            status("2 of 2 ready; the last reload was refused: no such key")
        ]
    );
    let _said = reload(&mut story);
    let said = story.ask(|notifier, view| notifier.reloaded(None, view));
    assert_eq!(said, [Ready, status("2 of 2 ready")]);
}

#[test]
fn a_reload_in_a_start_does_not_make_it_ready() {
    let mut story = Story::of(None);
    assert_eq!(story.ask(|notifier, _| notifier.reload(Duration::ZERO)), []);
    let said = story.ask(|notifier, view| notifier.reloaded(None, view));
    assert!(!said.contains(&Ready), "{said:?}");
}

#[test]
fn a_stop_is_said_once_and_given_the_time_that_it_takes() {
    let mut story = Story::of(None).ready();
    story.services[1].state = StateName::Draining;
    story.patience = Some(35);
    assert_eq!(
        story.ask(|notifier, view| notifier.stopping(view)),
        [
            Stopping,
            status("stopping: 2 of 2 still up: waiting for user (0 s)"),
            extend(50)
        ]
    );
    assert_eq!(story.ask(|notifier, view| notifier.stopping(view)), []);
    story.now = 35;
    story.patience = Some(80);
    assert_eq!(
        story.news(),
        [
            status("stopping: 2 of 2 still up: waiting for user (35 s)"),
            extend(60)
        ]
    );
    assert_eq!(story.ask(|notifier, _| notifier.reload(Duration::ZERO)), []);
}

#[test]
fn a_sign_of_life_comes_twice_in_the_time_that_the_watchdog_allows() {
    let mut story = Story::of(Some(10)).ready();
    assert_eq!(story.notifier.next(), Some(Time(Duration::from_secs(5))));
    story.now = 4;
    assert_eq!(story.news(), []);
    story.now = 6;
    assert_eq!(story.news(), [Watchdog]);
    assert_eq!(story.notifier.next(), Some(Time(Duration::from_secs(11))));
    assert_eq!(Story::of(None).notifier.next(), None);
}

#[test]
fn signs_of_life_go_on_while_everything_stops() {
    let mut story = Story::of(Some(10)).ready();
    let _said = story.ask(|notifier, view| notifier.stopping(view));
    story.now = 7;
    assert_eq!(
        story.ask(|notifier, view| notifier.stopping(view)),
        [Watchdog]
    );
}

#[test]
fn the_environment_is_read_as_systemd_writes_it() {
    let read = |variables: &[(&str, &str)]| {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        NotifyEnvironment::read(find, PID)
    };
    let all = read(&[
        ("NOTIFY_SOCKET", "/run/systemd/notify"),
        ("WATCHDOG_USEC", "30000000"),
        ("WATCHDOG_PID", "42"),
    ]);
    assert_eq!(all.socket.as_deref(), Some("/run/systemd/notify"));
    assert_eq!(all.watchdog, Some(Duration::from_secs(30)));
    let watchdog = |variables: &[(&str, &str)]| read(variables).watchdog;
    assert!(watchdog(&[("WATCHDOG_USEC", "1")]).is_some());
    assert_eq!(
        watchdog(&[("WATCHDOG_USEC", "1"), ("WATCHDOG_PID", "7")]),
        None
    );
    assert_eq!(watchdog(&[("WATCHDOG_USEC", "0")]), None);
    assert_eq!(watchdog(&[("WATCHDOG_USEC", "soon")]), None);
    assert_eq!(read(&[("NOTIFY_SOCKET", "")]).socket, None);
}

#[test]
fn a_daemon_that_cannot_begin_says_why() {
    assert_eq!(
        failure("cannot bind\nthe socket", Some(98), 1),
        [status("cannot bind the socket"), Errno(98), ExitStatus(1)]
    );
    assert_eq!(
        failure("the configuration is wrong", None, 78),
        [status("the configuration is wrong"), ExitStatus(78)]
    );
}
