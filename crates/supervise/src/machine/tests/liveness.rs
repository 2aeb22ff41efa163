//! Services that are slow, and services that hang.

use super::*;

#[test]
fn liveness_probes_that_fail_in_a_row_make_unhealthy_and_one_that_passes_heals() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    for (verdict, state) in [
        (fail(), StateName::Ready),
        (fail(), StateName::Unhealthy),
        (Verdict::Pass, StateName::Ready),
        (fail(), StateName::Ready),
    ] {
        story.pass(10 * SECOND);
        story.probe("db", Phase::Liveness, verdict);
        assert_eq!(story.state("db"), state);
    }
}

#[test]
fn liveness_may_restart_a_service() {
    let mut spec = service("db", &[]);
    spec.liveness.as_mut().expect("it has one").restart_after = Some(2);
    let mut story = Story::of(vec![spec]);
    story.bring_up("db");
    for _ in 0..2 {
        story.pass(10 * SECOND);
        story.probe("db", Phase::Liveness, fail());
    }
    assert_eq!(story.state("db"), StateName::Draining);
    story.die("db", Exit::Clean);
    assert_eq!(story.launched(), ["db#2"]);
}

fn hung() -> Verdict {
    Verdict::Hung("no answer within 1s, and it does nothing".into())
}

#[test]
fn what_hangs_is_restarted_sooner_than_what_is_slow() {
    let mut spec = service("db", &[]);
    let liveness = spec.liveness.as_mut().expect("it has one");
    (liveness.restart_after, liveness.hung_after) = (Some(6), Some(2));
    let mut story = Story::of(vec![spec]);
    story.bring_up("db");
    // A look at which it worked begins the count anew.
    for verdict in [hung(), fail(), hung()] {
        story.pass(10 * SECOND);
        story.probe("db", Phase::Liveness, verdict);
        assert_ne!(story.state("db"), StateName::Stopping);
    }
    story.pass(10 * SECOND);
    let instance = story.instance("db");
    story.probe("db", Phase::Liveness, hung());
    // It cannot drain: the signal comes first, and with less patience.
    assert!(story.effects.contains(&Effect::StopStep {
        instance: instance.clone(),
        step: 1
    }));
    assert_eq!(story.state("db"), StateName::Stopping);
    story.pass(10 * SECOND);
    assert!(story.effects.contains(&Effect::KillAll(instance)));
    story.die("db", Exit::Signal(9));
    assert_eq!(story.launched(), ["db#2"]);
}

#[test]
fn what_hangs_counts_as_failing_where_nothing_else_is_said() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    for state in [StateName::Ready, StateName::Unhealthy, StateName::Unhealthy] {
        story.pass(10 * SECOND);
        story.probe("db", Phase::Liveness, hung());
        assert_eq!(story.state("db"), state);
    }
}
