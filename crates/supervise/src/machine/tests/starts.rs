//! From a request to ready.

use super::*;

#[test]
fn a_service_waits_until_what_it_requires_is_ready_not_just_started() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    assert_eq!(story.launched(), ["db#1"]);
    story.launch("db");
    assert_eq!(story.launched(), [""; 0]);
    assert_eq!(story.status("app").waits_for, [name("db")]);
    story.probe("db", Phase::Readiness, Verdict::Pass);
    assert_eq!(story.launched(), ["app#1"]);
}

#[test]
fn a_readiness_probe_that_fails_is_asked_again_and_makes_nobody_unhealthy() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.launch("db");
    story.probe("db", Phase::Readiness, fail());
    assert_eq!(story.state("db"), StateName::Starting);
    let again = Effect::Probe {
        instance: story.instance("db"),
        phase: Phase::Readiness,
    };
    assert_eq!(story.pass(SECOND), [again]);
}

#[test]
fn a_start_that_takes_too_long_is_ended_without_draining_and_tried_again() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.launch("db");
    story.pass(30 * SECOND);
    let signal = Effect::StopStep {
        instance: story.instance("db"),
        step: 1,
    };
    assert!(story.effects.contains(&signal), "{:?}", story.effects);
    story.die("db", Exit::Signal(15));
    assert_eq!(story.launched(), ["db#2"]);
    assert_eq!(story.status("db").restarts, 1);
}

#[test]
fn a_ready_service_follows_its_post_start_command() {
    let mut spec = service("db", &[]);
    spec.startup.post_start = Some(command());
    let mut story = Story::of(vec![spec]);
    story.launch("db");
    story.probe("db", Phase::Readiness, Verdict::Pass);
    assert_eq!(story.effects, [Effect::PostStart(story.instance("db"))]);
    assert_eq!(story.state("db"), StateName::Starting);
    story.tell(Event::PostStarted {
        instance: story.instance("db"),
        result: Ok(()),
    });
    assert_eq!(story.state("db"), StateName::Ready);
}

#[test]
fn starting_one_starts_what_it_requires() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.launch("db");
    story.ask(Request::Stop(Target::All));
    story.die("db", Exit::Clean);
    story.ask(Request::Start(one("app")));
    assert_eq!(story.launched(), ["db#2"]);
}

#[test]
fn a_start_during_a_stop_brings_it_up_afterwards() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    story.ask(Request::Stop(one("db")));
    story.ask(Request::Start(one("db")));
    story.die("db", Exit::Clean);
    assert_eq!(story.launched(), ["db#2"]);
}
