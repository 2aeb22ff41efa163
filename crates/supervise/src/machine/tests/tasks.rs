//! Services that run to their end, and services that somebody else runs.

use super::*;
use crate::{
    change::Class,
    machine::{Checked, Uptake},
    spec::{Schedule, ServiceKind, Task},
};

/// A task that has 20 seconds.
fn task(of: &str, schedule: Option<Schedule>) -> ServiceSpec {
    let deadline = 20 * SECOND;
    ServiceSpec {
        kind: ServiceKind::Task(Task { deadline, schedule }),
        success_exit: [3].into(),
        ..service(of, &[])
    }
}

fn nightly(of: &str) -> ServiceSpec {
    task(of, Some(Schedule::Daily { minute: 180 }))
}

impl Story {
    fn due(&mut self, of: &str, after: Duration) {
        let at = self.now.after(after);
        let instance = self.instance(of);
        self.tell(Event::Due { instance, at });
    }
}

#[test]
fn what_requires_a_task_waits_until_it_has_ended_well_and_that_is_once() {
    let mut story = Story::of(vec![task("make", None), service("app", &["make"])]);
    story.launch("make");
    assert_eq!(story.state("make"), StateName::Running);
    assert_eq!(story.state("app"), StateName::Waiting);
    story.die("make", Exit::Code(3));
    assert_eq!(story.state("make"), StateName::Completed);
    assert_eq!(story.state("app"), StateName::Starting);
    // Everything is wanted again: it has been done.
    story.ask(Request::Start(Target::All));
    assert_eq!(story.state("make"), StateName::Completed);
    // By its name it runs once more.
    story.ask(Request::Start(Target::One(name("make"))));
    assert_eq!(story.state("make"), StateName::Starting);
}

#[test]
fn a_task_that_fails_is_tried_again_and_then_given_up() {
    let mut story = Story::of(vec![task("make", None)]);
    story.launch("make");
    story.die("make", Exit::Code(1));
    // The first retry is at once.
    assert_eq!(story.state("make"), StateName::Starting);
    let mut failing = task("make", None);
    failing.restart.mode = RestartMode::Never;
    let mut story = Story::of(vec![failing]);
    story.launch("make");
    story.die("make", Exit::Code(1));
    assert_eq!(story.state("make"), StateName::Failed);
    assert_eq!(story.machine.next_deadline(), None);
}

#[test]
fn a_task_that_takes_too_long_is_stopped_without_its_drain() {
    let mut story = Story::of(vec![task("make", None)]);
    story.launch("make");
    story.pass(20 * SECOND);
    assert_eq!(story.state("make"), StateName::Stopping);
    let instance = story.instance("make");
    assert!(
        story
            .effects
            .contains(&Effect::StopStep { instance, step: 1 })
    );
    assert_eq!(story.status("make").reason, Reason::TookTooLong);
}

#[test]
fn a_task_with_a_time_waits_for_it_and_then_for_the_next() {
    let mut story = Story::of(vec![nightly("backup")]);
    assert_eq!(story.state("backup"), StateName::Scheduled);
    let instance = story.instance("backup");
    assert!(story.effects.contains(&Effect::Schedule(instance)));
    story.due("backup", 60 * SECOND);
    story.pass(60 * SECOND);
    assert_eq!(story.state("backup"), StateName::Starting);
    story.launch("backup");
    story.die("backup", Exit::Clean);
    assert_eq!(story.state("backup"), StateName::Completed);
    let instance = story.instance("backup");
    assert!(story.effects.contains(&Effect::Schedule(instance)));
    // The clock was set: the new time counts.
    story.due("backup", 50 * SECOND);
    story.due("backup", 90 * SECOND);
    assert_eq!(
        story.machine.next_deadline(),
        Some(story.now.after(90 * SECOND))
    );
    story.ask(Request::Restart(Target::All));
    assert_eq!(
        story.state("backup"),
        StateName::Completed,
        "its time is its own"
    );
    story.ask(Request::Restart(Target::One(name("backup"))));
    assert_eq!(story.state("backup"), StateName::Starting);
}

#[test]
fn a_task_that_has_failed_is_tried_again_at_its_next_time() {
    let mut spec = nightly("backup");
    spec.restart.mode = RestartMode::Never;
    let mut story = Story::of(vec![spec]);
    story.due("backup", SECOND);
    story.pass(SECOND);
    story.launch("backup");
    story.die("backup", Exit::Code(1));
    assert_eq!(story.state("backup"), StateName::Failed);
    story.due("backup", 60 * SECOND);
    story.pass(60 * SECOND);
    assert_eq!(story.state("backup"), StateName::Starting);
}

#[test]
fn what_has_been_done_is_done_again_if_it_is_something_else() {
    let mut story = Story::of(vec![task("make", None)]);
    story.launch("make");
    story.die("make", Exit::Clean);
    let mut other = task("make", None);
    other.command.args.push("-v".to_owned());
    let new = Checked::new(vec![other]).unwrap();
    let (news, _) = story.machine.reconfigure(new, story.now);
    assert_eq!(news.changed[0].uptake, Uptake::Restart);
    assert_eq!(story.state("make"), StateName::Starting);
    let differs = crate::change::differences(&task("make", None), &nightly("make"));
    assert_eq!(crate::change::class(&differs), Some(Class::Live));
}

/// Of another machine.
fn external(of: &str) -> ServiceSpec {
    ServiceSpec {
        kind: ServiceKind::External,
        ..service(of, &[])
    }
}

#[test]
fn what_somebody_else_runs_is_asked_and_never_launched() {
    let mut story = Story::of(vec![external("db"), service("app", &["db"])]);
    let launches = |story: &Story| story.effects.iter().any(|e| matches!(e, Effect::Launch(_)));
    assert_eq!(story.state("db"), StateName::Starting);
    assert!(!launches(&story));
    story.probe("db", Phase::Readiness, Verdict::Pass);
    assert_eq!(story.state("db"), StateName::Ready);
    assert_eq!(story.state("app"), StateName::Starting);
    for _ in 0..20 {
        story.probe("db", Phase::Liveness, Verdict::Fail("refused".to_owned()));
    }
    assert_eq!(story.state("db"), StateName::Unhealthy);
    story.probe("db", Phase::Liveness, Verdict::Pass);
    assert_eq!(story.state("db"), StateName::Ready);
    story.launch("app");
    story.ask(Request::Stop(Target::One(name("db"))));
    assert_eq!(story.state("db"), StateName::Stopped);
    assert!(
        !story
            .effects
            .iter()
            .any(|e| matches!(e, Effect::StopStep { .. } | Effect::KillAll(_)))
    );
}

#[test]
fn what_is_not_there_in_time_is_asked_on_and_counts_when_it_comes() {
    let mut story = Story::of(vec![external("db"), service("app", &["db"])]);
    story.probe("db", Phase::Readiness, Verdict::Fail("refused".to_owned()));
    story.pass(30 * SECOND);
    assert_eq!(story.state("db"), StateName::Unhealthy);
    assert_eq!(
        story.machine.patience(),
        None,
        "nothing is under way by itself"
    );
    story.pass(10 * SECOND);
    story.probe("db", Phase::Liveness, Verdict::Pass);
    assert_eq!(story.state("db"), StateName::Ready);
    assert_eq!(story.state("app"), StateName::Starting);
}

#[test]
fn an_absent_one_stays_absent_when_its_probe_changes_until_the_new_one_passes() {
    let mut story = Story::of(vec![external("db"), service("app", &["db"])]);
    story.pass(30 * SECOND);
    assert_eq!(story.state("db"), StateName::Unhealthy);
    let mut other = external("db");
    other.startup.readiness = Some(crate::spec::Probe::Tcp("192.0.2.1:1".into()));
    let new = Checked::new(vec![other, service("app", &["db"])]).unwrap();
    story.effects = story.machine.reconfigure(new, story.now).1;
    assert_eq!(story.state("db"), StateName::Starting);
    assert_eq!(story.state("app"), StateName::Waiting);
    story.probe("db", Phase::Readiness, Verdict::Pass);
    assert_eq!(story.state("app"), StateName::Starting);
}

#[test]
fn a_task_whose_time_is_taken_away_runs_and_one_whose_time_stays_is_left_alone() {
    let mut story = Story::of(vec![nightly("backup")]);
    story.due("backup", 60 * SECOND);
    let mut limited = nightly("backup");
    limited.limits.pids_max = Some(7);
    let new = Checked::new(vec![limited]).unwrap();
    assert_eq!(story.machine.reconfigure(new, story.now).1, []);
    assert_eq!(
        story.machine.next_deadline(),
        Some(story.now.after(60 * SECOND))
    );
    let new = Checked::new(vec![task("backup", None)]).unwrap();
    story.machine.reconfigure(new, story.now);
    assert_eq!(story.state("backup"), StateName::Starting);
}

#[test]
fn a_task_that_is_cut_short_for_another_instance_runs_again() {
    let mut story = Story::of(vec![nightly("backup")]);
    story.ask(Request::Start(one("backup")));
    story.launch("backup");
    story.ask(Request::Restart(one("backup")));
    story.die("backup", Exit::Signal(15));
    assert_eq!(story.state("backup"), StateName::Starting);
    // The same if it is wanted again while it stops.
    story.launch("backup");
    story.ask(Request::Stop(one("backup")));
    story.ask(Request::Start(one("backup")));
    story.die("backup", Exit::Signal(15));
    assert_eq!(story.state("backup"), StateName::Starting);
}

#[test]
fn who_needs_a_task_that_is_done_needs_what_that_needed() {
    let mut make = task("make", None);
    make.requires = [name("db")].into();
    let mut story = Story::of(vec![service("db", &[]), make, service("app", &["make"])]);
    story.bring_up("db");
    story.launch("make");
    story.die("make", Exit::Clean);
    story.bring_up("app");
    story.ask(Request::Shutdown);
    assert_eq!(story.state("app"), StateName::Draining);
    assert_eq!(
        story.state("db"),
        StateName::Ready,
        "the app still needs it"
    );
    story.die("app", Exit::Clean);
    assert_eq!(story.state("db"), StateName::Draining);
}
