//! What new specifications do to services that run.

use std::time::Duration;

use super::*;
use crate::{
    effect::StateName,
    event::{Event, Exit, Instance, Request, Target},
    fixtures::{name, service},
};

const NOW: Time = Time(Duration::ZERO);

/// A service that is ready once it was launched.
fn simple(of: &str, requires: &[&str]) -> ServiceSpec {
    let mut spec = service(of, requires);
    spec.startup.readiness = None;
    spec.liveness = None;
    spec
}

fn other(mut spec: ServiceSpec) -> ServiceSpec {
    spec.limits.pids_max = Some(7);
    spec
}

/// Launches and clears at once whatever is asked for.
fn carry_out(machine: &mut Machine, mut effects: Vec<Effect>) {
    while let Some(effect) = effects.pop() {
        let mut tell = |event| effects.extend(machine.handle(event, NOW));
        match effect {
            Effect::Launch(instance) => tell(Event::Launched(instance)),
            Effect::StopStep { instance, step } => tell(Event::StopStepDone { instance, step }),
            Effect::KillAll(instance) => tell(Event::Emptied(instance)),
            Effect::Probe { .. }
            | Effect::Measure(_)
            | Effect::PostStart(_)
            | Effect::Changed(_)
            | Effect::ShutdownComplete => {}
        }
    }
}

fn exit(machine: &mut Machine, of: &str) {
    let event = Event::Exited {
        instance: instance(machine, of),
        exit: Exit::Clean,
    };
    let effects = machine.handle(event, NOW);
    carry_out(machine, effects);
}

fn running(specs: Vec<ServiceSpec>) -> Machine {
    let mut machine = Machine::new(specs, 1).expect("the specifications are good");
    let effects = machine.handle(Event::Request(Request::Start(Target::All)), NOW);
    carry_out(&mut machine, effects);
    machine
}

fn reconfigure(machine: &mut Machine, specs: Vec<ServiceSpec>) -> Reconfigured {
    let (news, effects) = machine.reconfigure(specs, NOW).expect("they are good");
    carry_out(machine, effects);
    news
}

fn instance(machine: &Machine, of: &str) -> Instance {
    let status = machine.status().find(|s| s.instance.service.as_str() == of);
    status.expect("it is known").instance
}

fn states(machine: &Machine) -> Vec<(String, StateName)> {
    let state = |s: super::super::ServiceStatus| (s.instance.to_string(), s.state);
    machine.status().map(state).collect()
}

#[test]
fn what_is_the_same_is_not_touched() {
    let mut machine = running(vec![simple("a", &[]), simple("b", &["a"])]);
    let before = states(&machine);
    let news = reconfigure(&mut machine, vec![simple("a", &[]), simple("b", &["a"])]);
    assert_eq!(news, Reconfigured::default());
    assert_eq!(states(&machine), before);
}

#[test]
fn what_has_changed_is_restarted_alone_and_runs_the_new() {
    let mut machine = running(vec![simple("a", &[]), simple("b", &["a"])]);
    let specs = vec![other(simple("a", &[])), simple("b", &["a"])];
    let news = reconfigure(&mut machine, specs.clone());
    assert_eq!(news.changed, [name("a")]);
    // Until it is gone it is what it was launched as.
    assert_eq!(machine.spec(&name("a")), Some(&simple("a", &[])));
    exit(&mut machine, "a");
    assert_eq!(machine.spec(&name("a")), Some(&specs[0]));
    let wanted = [("a#2", StateName::Ready), ("b#1", StateName::Ready)];
    assert_eq!(states(&machine), wanted.map(|(n, s)| (n.to_owned(), s)));
}

#[test]
fn what_is_taken_away_goes_down_and_is_forgotten_and_its_instances_are_never_used_again() {
    let mut machine = running(vec![simple("a", &[]), simple("b", &["a"])]);
    let news = reconfigure(&mut machine, vec![simple("a", &[])]);
    assert_eq!(news.removed, [name("b")]);
    let start = Request::Start(Target::One(name("b")));
    assert!(machine.admit(&start).is_err());
    exit(&mut machine, "b");
    assert_eq!(states(&machine), [("a#1".to_owned(), StateName::Ready)]);
    let news = reconfigure(&mut machine, vec![simple("a", &[]), simple("b", &["a"])]);
    assert_eq!(news.added, [name("b")]);
    assert_eq!(instance(&machine, "b").generation, 2);
}

#[test]
fn what_a_person_stopped_stays_down() {
    let mut machine = running(vec![simple("a", &[])]);
    let stop = Event::Request(Request::Stop(Target::One(name("a"))));
    let effects = machine.handle(stop, NOW);
    carry_out(&mut machine, effects);
    exit(&mut machine, "a");
    reconfigure(&mut machine, vec![other(simple("a", &[]))]);
    assert_eq!(states(&machine), [("a#1".to_owned(), StateName::Stopped)]);
    assert_eq!(machine.spec(&name("a")).unwrap().limits.pids_max, Some(7));
}

#[test]
fn what_cannot_be_supervised_together_changes_nothing() {
    let mut machine = running(vec![simple("a", &[])]);
    let circle = vec![simple("a", &["b"]), simple("b", &["a"])];
    machine.reconfigure(circle, NOW).unwrap_err();
    assert_eq!(states(&machine), [("a#1".to_owned(), StateName::Ready)]);
    assert_eq!(machine.start_order(), [name("a")]);
}
