//! When each step of a start was done.

use super::*;

fn milestones(story: &Story, service: &str) -> Milestones {
    let mut starts = story.machine.starts();
    let found = starts.find(|start| start.instance.service.as_str() == service);
    found.expect("known").milestones
}

#[test]
fn each_step_of_a_start_has_its_milestone() {
    let mut app = service("app", &["db", "cache"]);
    app.startup.post_start = Some(command());
    let mut story = Story::of(vec![app, service("cache", &[]), service("db", &[])]);
    let began = story.now;
    story.pass(SECOND);
    story.bring_up("cache");
    story.pass(SECOND);
    story.bring_up("db");
    let launched = story.now;
    assert_eq!(milestones(&story, "db").ready, Some(launched));
    story.launch("app");
    story.pass(SECOND);
    story.probe("app", Phase::Readiness, Verdict::Pass);
    let answered = story.now;
    assert_eq!(milestones(&story, "app").ready, None);
    story.pass(SECOND);
    story.tell(Event::PostStarted {
        instance: story.instance("app"),
        result: Ok(()),
    });
    let wanted = Milestones {
        wanted: Some(began),
        launched: Some(launched),
        waited_for: Some(name("db")),
        answered: Some(answered),
        ready: Some(story.now),
    };
    assert_eq!(milestones(&story, "app"), wanted);
    // An ill spell and a late answer of the probe are none of the start's.
    story.pass(10 * SECOND);
    story.probe("app", Phase::Liveness, fail());
    story.probe("app", Phase::Readiness, Verdict::Pass);
    assert_eq!(milestones(&story, "app"), wanted);
}

#[test]
fn the_next_start_has_milestones_of_its_own_and_waits_for_nobody_who_was_ready_before() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    assert_eq!(
        milestones(&story, "app").waited_for,
        None,
        "in the same moment"
    );
    story.pass(SECOND);
    story.die("app", Exit::Code(1));
    let again = Milestones {
        wanted: Some(story.now),
        launched: Some(story.now),
        ..Milestones::default()
    };
    assert_eq!(milestones(&story, "app"), again);
}

#[test]
fn without_a_probe_nothing_was_answered() {
    let mut spec = service("db", &[]);
    spec.startup.readiness = None;
    let mut story = Story::of(vec![spec]);
    story.launch("db");
    let milestones = milestones(&story, "db");
    assert_eq!(
        (milestones.answered, milestones.ready),
        (None, Some(story.now))
    );
}
