//! What a machine that goes on asks for. That it keeps its promises whenever it dies is the simulation's to
//! show.

use super::*;
use crate::{
    effect::StateName,
    event::{Event, Exit, Instance, Request, Target, Verdict},
    fixtures::{SECOND, name, reload, service},
};

const NOW: Time = Time(Duration::ZERO);
const KEY: FingerprintKey = FingerprintKey::new([7; 32]);

fn checked(specs: Vec<ServiceSpec>) -> Checked {
    Checked::new(specs).unwrap()
}

/// Written down, read by another process, and gone on with.
fn resumed(machine: &Machine, specs: Vec<ServiceSpec>) -> (Machine, Vec<Effect>) {
    let text = serde_json::to_string(&machine.save(&KEY)).unwrap();
    let saved = serde_json::from_str(&text).unwrap();
    Machine::resume(saved, checked(specs), &KEY, NOW).unwrap()
}

fn started() -> (Machine, Instance) {
    let mut machine = Machine::new(vec![service("a", &[])], 1).unwrap();
    machine.handle(Event::Request(Request::Start(Target::All)), NOW);
    let instance = machine.status().next().unwrap().instance;
    (machine, instance)
}

fn probed(instance: &Instance) -> Event {
    Event::Probed {
        instance: instance.clone(),
        phase: Phase::Readiness,
        verdict: Verdict::Pass,
    }
}

#[test]
fn what_was_under_way_is_asked_for_again() {
    let specs = || vec![service("a", &[])];
    let (mut machine, instance) = started();
    let again = |machine: &Machine| resumed(machine, specs()).1;
    assert_eq!(again(&machine), [Effect::Launch(instance.clone())]);
    machine.handle(Event::Launched(instance.clone()), NOW);
    let probe = Effect::Probe {
        instance: instance.clone(),
        phase: Phase::Readiness,
    };
    assert_eq!(again(&machine), [probe, Effect::Limit(instance.clone())]);
    machine.handle(probed(&instance), NOW);
    assert_eq!(again(&machine), [Effect::Limit(instance.clone())]);
    machine.handle(Event::Request(Request::Stop(Target::All)), NOW);
    let step = |step| Effect::StopStep {
        instance: instance.clone(),
        step,
    };
    assert_eq!(again(&machine), [step(0)]);
    let event = Event::StopStepDone {
        instance: instance.clone(),
        step: 0,
    };
    machine.handle(event, NOW);
    assert_eq!(again(&machine), [step(1)]);
    let exit = Exit::Clean;
    let event = Event::Exited {
        instance: instance.clone(),
        exit,
    };
    machine.handle(event, NOW);
    assert_eq!(again(&machine), [Effect::KillAll(instance.clone())]);
    machine.handle(Event::Emptied(instance), NOW);
    assert_eq!(again(&machine), []);
}

#[test]
fn a_probe_that_was_under_way_is_due_at_once_and_another_when_it_was() {
    let (mut machine, instance) = started();
    machine.handle(Event::Launched(instance.clone()), NOW);
    machine.handle(probed(&instance), NOW);
    let due = |machine: &Machine| resumed(machine, vec![service("a", &[])]).0.next_deadline();
    assert_eq!(due(&machine), Some(Time(10 * SECOND)));
    machine.handle(Event::Deadline, Time(10 * SECOND));
    assert_eq!(machine.next_deadline(), None);
    assert_eq!(due(&machine), Some(NOW));
}

#[test]
fn files_that_were_being_read_are_read_again() {
    let mut spec = service("a", &[]);
    (spec.startup.readiness, spec.reload) = (None, Some(reload()));
    let mut machine = Machine::new(vec![spec.clone()], 1).unwrap();
    machine.handle(Event::Request(Request::Start(Target::All)), NOW);
    let instance = machine.status().next().unwrap().instance;
    machine.handle(Event::Launched(instance.clone()), NOW);
    machine.handle(Event::Request(Request::Reload(name("a"))), NOW);
    let (_, effects) = resumed(&machine, vec![spec]);
    assert_eq!(
        effects,
        [
            Effect::CheckFiles(instance.clone()),
            Effect::Limit(instance)
        ]
    );
}

#[test]
fn what_is_another_service_by_now_restarts_and_what_is_gone_goes() {
    let (mut machine, instance) = started();
    machine.handle(Event::Launched(instance.clone()), NOW);
    machine.handle(probed(&instance), NOW);
    let mut other = service("a", &[]);
    other.command.args.push("-v".to_owned());
    let (changed, effects) = resumed(&machine, vec![other, service("new", &[])]);
    assert!(effects.contains(&Effect::StopStep {
        instance: instance.clone(),
        step: 0
    }));
    let states: Vec<_> = changed
        .states()
        .map(|(name, state)| (name.as_str(), state))
        .collect();
    assert_eq!(
        states,
        [("a", StateName::Draining), ("new", StateName::Starting)]
    );
    // By the one step that needs no specification.
    let (gone, effects) = resumed(&machine, vec![]);
    assert!(effects.contains(&Effect::StopStep { instance, step: 0 }));
    let states: Vec<_> = gone
        .states()
        .map(|(name, state)| (name.as_str(), state))
        .collect();
    assert_eq!(states, [("a", StateName::Stopping)]);
}

#[test]
fn a_stop_of_everything_goes_on_and_starts_nothing() {
    let (mut machine, instance) = started();
    machine.handle(Event::Launched(instance), NOW);
    machine.handle(Event::Request(Request::Shutdown), NOW);
    let (machine, _) = resumed(&machine, vec![service("a", &[]), service("new", &[])]);
    let request = Request::Start(Target::All);
    assert!(machine.admit(&request).is_err());
    let states: Vec<_> = machine.states().map(|(_, state)| state).collect();
    assert_eq!(states, [StateName::Stopping, StateName::Stopped]);
}

#[test]
fn what_is_written_down_has_no_secret_and_another_form_is_refused() {
    let mut spec = service("a", &[]);
    let secret = crate::spec::EnvValue::Secret("hunter2".to_owned());
    spec.command.env.insert("KEY".to_owned(), secret);
    let machine = Machine::new(vec![spec], 1).unwrap();
    let text = serde_json::to_string(&machine.save(&KEY)).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("KEY"), "{text}");
    let newer = text.replace("\"version\":2", "\"version\":3");
    let saved = serde_json::from_str(&newer).unwrap();
    let refused = Machine::resume(saved, checked(vec![]), &KEY, NOW).unwrap_err();
    assert_eq!(refused, ResumeError::Version { found: 3 });
}

/// Without the key nobody tells one specification from another, not even a later daemon: everything
/// restarts, which is safe.
#[test]
fn with_another_key_a_service_restarts_as_if_it_were_another_one() {
    let (mut machine, instance) = started();
    machine.handle(Event::Launched(instance.clone()), NOW);
    machine.handle(probed(&instance), NOW);
    let step = Effect::StopStep { instance, step: 0 };
    let with = |key: &FingerprintKey| {
        let specs = checked(vec![service("a", &[])]);
        Machine::resume(machine.save(&KEY), specs, key, NOW)
            .unwrap()
            .1
    };
    assert!(!with(&KEY).contains(&step));
    assert!(with(&FingerprintKey::new([8; 32])).contains(&step));
}

/// Of each secret there is neither the text nor any hash that does not need the key: two keys leave
/// nothing alike but what is no secret.
#[test]
fn what_is_written_down_of_a_specification_depends_on_the_key_alone() {
    let saved = |secret: &str, key: &FingerprintKey| {
        let mut spec = service("a", &[]);
        let secret = crate::spec::EnvValue::Secret(secret.to_owned());
        spec.command.env.insert("KEY".to_owned(), secret);
        let machine = Machine::new(vec![spec], 1).unwrap();
        let mut saved = serde_json::to_value(machine.save(key)).unwrap();
        let of = saved["units"]["a"]["of"].take();
        (of, saved)
    };
    let (one, rest) = saved("hunter2", &KEY);
    let (other_key, rest_of_other_key) = saved("hunter2", &FingerprintKey::new([8; 32]));
    let (other_secret, rest_of_other_secret) = saved("hunter3", &KEY);
    assert_ne!(one, other_key);
    assert_ne!(one, other_secret);
    assert_eq!(rest, rest_of_other_key);
    // Nothing else is made from the specification.
    assert_eq!(rest, rest_of_other_secret);
}
