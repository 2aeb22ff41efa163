//! Stops of one service and of all.

use super::*;

#[test]
fn a_stop_drains_then_signals_then_kills() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    let instance = story.instance("db");
    story.ask(Request::Stop(one("db")));
    assert_eq!(story.state("db"), StateName::Draining);
    assert!(story.effects.contains(&Effect::StopStep {
        instance: instance.clone(),
        step: 0
    }));
    story.tell(Event::StopStepDone {
        instance: instance.clone(),
        step: 0,
    });
    assert!(story.effects.contains(&Effect::StopStep {
        instance: instance.clone(),
        step: 1
    }));
    assert_eq!(story.pass(10 * SECOND), [Effect::KillAll(instance)]);
    story.die("db", Exit::Signal(9));
    assert_eq!(story.state("db"), StateName::Stopped);
    assert_eq!(story.machine.next_deadline(), None);
}

#[test]
fn all_are_stopped_with_dependants_first() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    story.ask(Request::Shutdown);
    assert_eq!(
        (story.state("app"), story.state("db")),
        (StateName::Draining, StateName::Ready)
    );
    story.die("app", Exit::Clean);
    assert_eq!(story.state("db"), StateName::Draining);
    story.die("db", Exit::Clean);
    assert_eq!(story.effects.last(), Some(&Effect::ShutdownComplete));
}

#[test]
fn stopping_one_leaves_its_dependants_alone() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    story.ask(Request::Stop(one("db")));
    story.die("db", Exit::Clean);
    assert_eq!(
        (story.state("app"), story.state("db")),
        (StateName::Ready, StateName::Stopped)
    );
}

#[test]
fn restarting_all_brings_everything_down_before_anything_comes_up() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    story.ask(Request::Restart(Target::All));
    story.die("app", Exit::Clean);
    assert_eq!(story.launched(), [""; 0]);
    assert_eq!(story.state("app"), StateName::Waiting);
    story.die("db", Exit::Clean);
    assert_eq!(story.launched(), ["db#2"]);
    story.bring_up("db");
    assert_eq!(story.launched(), ["app#2"]);
    assert_eq!(story.status("app").restarts, 0, "nobody's fault");
}
