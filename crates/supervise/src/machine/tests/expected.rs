//! How long people wait for a service, and whether it is expected at all.

use super::*;

#[test]
fn patience_lasts_until_the_last_deadline_of_what_is_under_way() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    let patience = |story: &Story| story.machine.patience();
    let second = |n: u32| Some(Time(n * SECOND));
    // The start of the database; the other waits for it.
    assert_eq!(patience(&story), second(30));
    story.pass(2 * SECOND);
    story.bring_up("db");
    assert_eq!(patience(&story), second(32));
    story.bring_up("app");
    assert_eq!(patience(&story), None);
    // The drain, then the signal, then what is killed.
    story.ask(Request::Shutdown);
    assert_eq!(patience(&story), second(7));
    story.pass(5 * SECOND);
    assert_eq!(patience(&story), second(17));
    story.pass(10 * SECOND);
    assert_eq!(patience(&story), second(77));
    story.die("app", Exit::Signal(9));
    assert_eq!(
        patience(&story),
        second(22),
        "now it is the database's turn"
    );
}

#[test]
fn a_pause_before_a_restart_is_waited_for_and_a_failure_is_not() {
    let mut story = Story::of(vec![service("db", &[])]);
    for _ in 0..3 {
        story.launch("db");
        story.die("db", Exit::Code(1));
        if story.state("db") == StateName::BackingOff {
            assert!(story.machine.patience() > Some(story.now));
            story.pass(100 * SECOND);
        }
    }
    story.launch("db");
    story.die("db", Exit::Code(1));
    assert_eq!(story.state("db"), StateName::Failed);
    assert_eq!(story.machine.patience(), None);
}

#[test]
fn a_service_is_expected_until_it_or_what_it_requires_has_failed_or_is_stopped() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    let expected = |story: &Story| ["db", "app"].map(|s| story.machine.expects(&name(s)));
    // It waits for a start that is under way.
    assert_eq!(expected(&story), [true, true]);
    story.bring_up("db");
    story.bring_up("app");
    // On its way down to come up again.
    story.ask(Request::Restart(one("app")));
    assert_eq!(expected(&story), [true, true]);
    story.die("app", Exit::Clean);
    assert_eq!(story.launched(), ["app#2"]);
    story.bring_up("app");
    // Backing off.
    for _ in 0..2 {
        story.die("app", Exit::Code(1));
    }
    story.launch("app");
    assert_eq!(expected(&story), [true, true]);
    story.ask(Request::Stop(one("app")));
    assert_eq!(expected(&story), [true, false]);
    assert!(!story.machine.expects(&name("nobody")));
}

#[test]
fn a_service_that_waits_for_one_that_has_failed_is_not_expected() {
    let mut db = service("db", &[]);
    db.restart.burst = 0;
    let mut story = Story::of(vec![service("app", &["db"]), db, service("web", &["app"])]);
    story.launch("db");
    story.die("db", Exit::Code(1));
    assert_eq!(story.state("db"), StateName::Failed);
    for service in ["db", "app", "web"] {
        assert!(!story.machine.expects(&name(service)), "{service}");
    }
    // A request brings all of it back.
    story.ask(Request::Start(Target::All));
    for service in ["db", "app", "web"] {
        assert!(story.machine.expects(&name(service)), "{service}");
    }
}
