//! When memory is measured, and what a leak does to a service.

use super::*;
use crate::{
    change::Field,
    recycle::{Chance, Leak, RecyclePolicy, Usage},
};

const MB: u64 = 1_000_000;

/// A service with a limit and a policy whose memory is measured as often as its probe comes.
fn watched(of: &str, requires: &[&str]) -> ServiceSpec {
    let mut spec = service(of, requires);
    spec.limits.memory_max = Some(100 * MB);
    spec.recycle = Some(RecyclePolicy {
        every: 10 * SECOND,
        youngest: 10 * SECOND,
        at: None,
    });
    spec
}

fn leak(change: &Effect) -> Option<&Leak> {
    match change {
        Effect::Changed(change) => match &change.reason {
            Reason::Leaks(leak) => Some(leak),
            _ => None,
        },
        _ => None,
    }
}

impl Story {
    fn is_measured(&self, service: &str) -> bool {
        self.effects
            .contains(&Effect::Measure(self.instance(service)))
    }

    fn measured(&mut self, service: &str, usage: Option<Usage>) {
        let instance = self.instance(service);
        self.tell(Event::Measured {
            instance,
            usage,
            minute: 0,
        });
    }

    /// One round of probe and measurement after the other, until it is stopped for a leak.
    fn leaks(&mut self, service: &str) -> Leak {
        for round in 0..30 {
            let due = self.machine.next_deadline().expect("a probe");
            self.pass(due.since(self.now));
            assert!(self.is_measured(service), "in round {round}");
            self.probe(service, Phase::Liveness, Verdict::Pass);
            let usage = Usage {
                held: 20 * MB + round * 4 * MB,
                cpu: SECOND * 9 * u32::try_from(round).expect("small"),
                ..Usage::default()
            };
            self.measured(service, Some(usage));
            if let Some(leak) = self.effects.iter().find_map(leak) {
                return leak.clone();
            }
        }
        panic!("it was not stopped");
    }
}

#[test]
fn memory_is_measured_along_with_the_liveness_probe() {
    let mut story = Story::of(vec![watched("app", &[])]);
    story.bring_up("app");
    assert_eq!(
        story.machine.next_deadline(),
        Some(story.now.after(10 * SECOND))
    );
    story.pass(10 * SECOND);
    let instance = story.instance("app");
    let phase = Phase::Liveness;
    assert_eq!(
        story.effects,
        [
            Effect::Measure(instance.clone()),
            Effect::Probe { instance, phase }
        ]
    );
    // Neither has been answered, and nothing else is to come.
    assert_eq!(story.machine.next_deadline(), None);
}

#[test]
fn without_a_liveness_probe_it_has_a_time_of_its_own() {
    let mut spec = watched("app", &[]);
    spec.liveness = None;
    let mut story = Story::of(vec![spec]);
    story.pass(3 * SECOND);
    story.bring_up("app");
    // At the same moments for all services that are measured as often.
    assert_eq!(story.machine.next_deadline(), Some(Time(10 * SECOND)));
    story.pass(7 * SECOND);
    assert!(story.is_measured("app"));
    story.measured("app", Some(Usage::default()));
    assert_eq!(story.machine.next_deadline(), Some(Time(20 * SECOND)));
}

#[test]
fn who_has_no_limit_or_no_policy_or_is_not_counted_is_not_measured() {
    let mut unlimited = watched("unlimited", &[]);
    unlimited.limits.memory_max = None;
    let mut unwatched = watched("unwatched", &[]);
    unwatched.recycle = None;
    for mut spec in [unlimited, unwatched] {
        spec.liveness = None;
        let name = spec.name.to_string();
        let mut story = Story::of(vec![spec]);
        story.bring_up(&name);
        assert_eq!(story.machine.next_deadline(), None, "{name}");
    }
    let mut spec = watched("uncounted", &[]);
    spec.liveness = None;
    let mut story = Story::of(vec![spec]);
    story.bring_up("uncounted");
    story.pass(10 * SECOND);
    story.measured("uncounted", None);
    assert_eq!(story.machine.next_deadline(), None);
}

#[test]
fn a_leak_ends_in_a_drained_restart_that_costs_no_credit() {
    let mut story = Story::of(vec![watched("app", &[])]);
    story.bring_up("app");
    // More often than the credit of three would allow for.
    for ordinal in 1..6 {
        let leak = story.leaks("app");
        assert_eq!(leak.chance, Chance::Last);
        assert_eq!(leak.limit, 100 * MB);
        assert_eq!(story.state("app"), StateName::Draining);
        let instance = story.instance("app");
        story.tell(Event::StopStepDone { instance, step: 0 });
        assert_eq!(story.state("app"), StateName::Stopping);
        assert_eq!(story.status("app").reason, Reason::Leaks(leak));
        story.die("app", Exit::Clean);
        assert_eq!(story.launched(), [format!("app#{}", ordinal + 1)]);
        assert_eq!(
            story.status("app").restarts,
            u32::try_from(ordinal).unwrap()
        );
        story.bring_up("app");
    }
}

#[test]
fn a_wish_of_somebodys_is_stronger_than_a_plan() {
    let mut story = Story::of(vec![watched("app", &[])]);
    story.bring_up("app");
    story.leaks("app");
    story.ask(Request::Stop(one("app")));
    story.die("app", Exit::Clean);
    assert_eq!(story.state("app"), StateName::Stopped);
    assert_eq!(story.status("app").restarts, 0);
}

#[test]
fn who_could_not_come_back_waits_with_its_leak() {
    let mut story = Story::of(vec![service("db", &[]), watched("app", &["db"])]);
    story.bring_up("db");
    story.bring_up("app");
    story.die("db", Exit::Code(1));
    let full = |round: u64| Usage {
        held: 20 * MB + round * 4 * MB,
        at_limit: round,
        ..Usage::default()
    };
    for round in 0..20 {
        story.now = story.now.after(10 * SECOND);
        story.measured("app", Some(full(round)));
        assert_eq!(story.state("app"), StateName::Ready);
    }
    story.bring_up("db");
    story.now = story.now.after(10 * SECOND);
    story.measured("app", Some(full(20)));
    assert_eq!(story.state("app"), StateName::Draining);
}

#[test]
fn another_policy_is_in_force_at_once_and_restarts_nobody() {
    let mut spec = watched("app", &[]);
    let policy = spec.recycle.take();
    spec.liveness = None;
    let mut story = Story::of(vec![spec.clone()]);
    story.bring_up("app");
    assert_eq!(story.machine.next_deadline(), None);
    spec.recycle = policy;
    let mut take_up = |spec: &ServiceSpec| {
        let new = Checked::new(vec![spec.clone()]).unwrap();
        let (news, effects) = story.machine.reconfigure(new, story.now);
        assert_eq!(effects, []);
        let due = story.machine.next_deadline();
        let changed: Vec<_> = news
            .changed
            .into_iter()
            .map(|c| (c.uptake, c.fields))
            .collect();
        (changed, due)
    };
    let live = || vec![(Uptake::Live, vec![Field::LeakWatch])];
    assert_eq!(take_up(&spec), (live(), Some(Time(10 * SECOND))));
    spec.recycle = None;
    assert_eq!(take_up(&spec), (live(), None));
    assert_eq!(take_up(&spec), (vec![], None));
}
