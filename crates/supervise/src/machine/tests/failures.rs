//! What follows when a process ends by itself.

use super::*;

#[test]
fn a_crash_is_followed_by_a_restart_at_once_when_nothing_is_left() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    story.exit("db", Exit::Signal(9));
    assert_eq!(story.launched(), [""; 0], "orphans may be alive");
    assert!(
        story
            .effects
            .contains(&Effect::KillAll(story.instance("db")))
    );
    story.tell(Event::Emptied(story.instance("db")));
    assert_eq!(story.launched(), ["db#2"]);
}

#[test]
fn restarts_back_off_and_then_give_up_and_a_request_forgives() {
    let mut story = Story::of(vec![service("db", &[])]);
    for expected in [
        StateName::Starting,
        StateName::BackingOff,
        StateName::BackingOff,
    ] {
        story.launch("db");
        story.die("db", Exit::Code(1));
        assert_eq!(story.state("db"), expected);
        story.pass(10 * SECOND);
    }
    story.launch("db");
    story.die("db", Exit::Code(1));
    assert_eq!(story.state("db"), StateName::Failed);
    assert_eq!(story.status("db").reason, Reason::Exited(Exit::Code(1)));
    assert_eq!(story.machine.next_deadline(), None, "it has given up");
    story.ask(Request::Start(one("db")));
    assert_eq!(story.state("db"), StateName::Starting);
}

#[test]
fn staying_ready_earns_the_credit_back() {
    let mut story = Story::of(vec![service("db", &[])]);
    for _ in 0..10 {
        story.bring_up("db");
        story.pass(60 * SECOND);
        story.die("db", Exit::Code(1));
        assert_eq!(
            story.state("db"),
            StateName::Starting,
            "the first restart is at once"
        );
    }
}

#[test]
fn a_restart_of_what_it_requires_does_not_disturb_a_service() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    story.die("db", Exit::Signal(9));
    story.bring_up("db");
    assert_eq!(story.status("app").instance.generation, 1);
    assert_eq!(story.state("app"), StateName::Ready);
}

#[test]
fn a_service_that_says_so_restarts_with_what_it_requires() {
    let mut app = service("app", &["db"]);
    app.restart_with_requirements = true;
    let mut story = Story::of(vec![app, service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    story.die("db", Exit::Signal(9));
    assert_eq!(
        story.state("app"),
        StateName::Ready,
        "not before the new one is ready"
    );
    story.bring_up("db");
    assert_eq!(story.state("app"), StateName::Draining);
    assert_eq!(
        story.status("app").reason,
        Reason::RequirementRestarted(name("db"))
    );
    story.die("app", Exit::Clean);
    assert_eq!(story.launched(), ["app#2"]);
}

#[test]
fn a_clean_exit_is_the_end_of_a_service_that_restarts_on_failure() {
    let mut spec = service("job", &[]);
    spec.restart.mode = RestartMode::OnFailure;
    let mut story = Story::of(vec![spec]);
    story.bring_up("job");
    story.die("job", Exit::Clean);
    assert_eq!(story.state("job"), StateName::Stopped);
}
