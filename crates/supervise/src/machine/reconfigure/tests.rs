//! What new specifications do to services that run.

use std::time::Duration;

use super::*;
use crate::{
    effect::{News, StateName},
    event::{Event, Exit, Instance, Request, Target},
    fixtures::{name, reload, service},
    machine::Denied,
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
    spec.command.args.push("-v".to_owned());
    spec
}

/// How each service takes up what is new.
fn uptakes(news: &Reconfigured) -> Vec<(&str, Uptake)> {
    let changed = news.changed.iter();
    changed.map(|c| (c.service.as_str(), c.uptake)).collect()
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
            | Effect::CheckFiles(_)
            | Effect::Told(..)
            | Effect::Reload(_)
            | Effect::Schedule(_)
            | Effect::Limit(_)
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
    let new = Checked::new(specs).expect("they are good");
    let (news, effects) = machine.reconfigure(new, NOW);
    carry_out(machine, effects);
    news
}

fn instance(machine: &Machine, of: &str) -> Instance {
    let status = machine.status().find(|s| s.instance.service.as_str() == of);
    status.expect("it is known").instance
}

fn states(machine: &Machine) -> Vec<(String, StateName)> {
    let state = |s: super::super::UnitStatus| (s.instance.to_string(), s.state);
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
    assert_eq!(uptakes(&news), [("a", Uptake::Restart)]);
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
    assert_eq!(machine.spec(&name("a")), Some(&other(simple("a", &[]))));
}

#[test]
fn what_cannot_be_supervised_together_is_refused_before_anything_changes() {
    let circle = vec![simple("a", &["b"]), simple("b", &["a"])];
    Checked::new(circle).unwrap_err();
}

/// The specification of a service that reads its files again, with a file of this mark.
fn with_file(mark: &str) -> ServiceSpec {
    let mut spec = simple("a", &[]);
    spec.files.insert("/conf".into(), mark.to_owned());
    spec.reload = Some(reload());
    spec
}

/// Takes up one specification; how, and what is to be done.
fn take_up(machine: &mut Machine, spec: ServiceSpec) -> (Vec<Uptake>, Vec<Effect>) {
    let (news, effects) = machine.reconfigure(Checked::new(vec![spec]).unwrap(), NOW);
    let uptakes = news.changed.iter().map(|c| c.uptake).collect();
    (uptakes, effects)
}

fn reloaded(machine: &mut Machine, result: Result<(), &str>) -> Vec<Effect> {
    let event = Event::Reloaded {
        instance: instance(machine, "a"),
        result: result.map_err(str::to_owned),
    };
    machine.handle(event, NOW)
}

fn status(machine: &Machine) -> super::super::UnitStatus {
    machine.status().next().expect("there is one")
}

fn checked(machine: &mut Machine, result: Result<(), &str>) -> Vec<Effect> {
    let event = Event::FilesChecked {
        instance: instance(machine, "a"),
        result: result.map_err(str::to_owned),
    };
    machine.handle(event, NOW)
}

#[test]
fn files_are_checked_and_read_again_without_a_restart() {
    let mut machine = running(vec![with_file("1")]);
    let it = instance(&machine, "a");
    let (check, read) = (Effect::CheckFiles(it.clone()), Effect::Reload(it.clone()));
    let told = Effect::Told(it, News::Reloaded);
    let again = || vec![Uptake::Reload];
    let first = take_up(&mut machine, with_file("2"));
    assert_eq!(first, (again(), vec![check.clone()]));
    assert!(status(&machine).reloading);
    // They change once more before it has read them: it begins again.
    assert_eq!(take_up(&mut machine, with_file("3")), (again(), vec![]));
    assert_eq!(checked(&mut machine, Ok(())), std::slice::from_ref(&check));
    assert_eq!(checked(&mut machine, Ok(())), [read]);
    assert_eq!(take_up(&mut machine, with_file("4")), (again(), vec![]));
    assert_eq!(reloaded(&mut machine, Ok(())), [check]);
    checked(&mut machine, Ok(()));
    assert_eq!(reloaded(&mut machine, Ok(())), [told]);
    assert!(!status(&machine).reloading);
    assert_eq!(status(&machine).instance.generation, 1);
}

#[test]
fn who_refuses_its_files_goes_on_and_is_asked_again_by_the_next_reload() {
    let mut machine = running(vec![with_file("1")]);
    take_up(&mut machine, with_file("2"));
    let it = instance(&machine, "a");
    let told = Effect::Told(it, News::Outdated("line 3".to_owned()));
    assert_eq!(checked(&mut machine, Err("line 3")), [told]);
    assert_eq!(status(&machine).state, StateName::Ready);
    assert_eq!(status(&machine).outdated.as_deref(), Some("line 3"));
    // Nothing has changed since, but for what may have been in the way.
    let (uptakes, effects) = take_up(&mut machine, with_file("2"));
    let asked = (uptakes.as_slice(), effects.len());
    assert_eq!(asked, (&[Uptake::Reload][..], 1));
    checked(&mut machine, Ok(()));
    reloaded(&mut machine, Ok(()));
    assert_eq!(status(&machine).outdated, None);
    assert_eq!(take_up(&mut machine, with_file("2")), (vec![], vec![]));
}

#[test]
fn what_comes_of_a_check_is_of_no_interest_to_one_that_stops_or_cannot_reload_any_more() {
    let mut machine = running(vec![with_file("1")]);
    take_up(&mut machine, with_file("2"));
    let mut without = with_file("2");
    without.reload = None;
    assert_eq!(take_up(&mut machine, without).0, [Uptake::Live]);
    assert!(!status(&machine).reloading);
    let mut machine = running(vec![with_file("1")]);
    take_up(&mut machine, with_file("2"));
    machine.handle(Event::Request(Request::Stop(Target::All)), NOW);
    assert_eq!(checked(&mut machine, Ok(())), []);
}

#[test]
fn who_starts_may_have_read_its_old_files_and_starts_anew() {
    let mut spec = with_file("1");
    spec.startup.readiness = service("a", &[]).startup.readiness;
    let mut machine = running(vec![spec.clone()]);
    assert_eq!(status(&machine).state, StateName::Starting);
    spec.files = with_file("2").files;
    assert_eq!(take_up(&mut machine, spec).0, [Uptake::Restart]);
}

#[test]
fn limits_hold_at_once_and_who_is_over_them_starts_anew() {
    let mut machine = running(vec![simple("a", &[])]);
    let mut spec = simple("a", &[]);
    spec.limits.memory_max = Some(1 << 20);
    let instance = instance(&machine, "a");
    assert_eq!(
        take_up(&mut machine, spec),
        (vec![Uptake::Live], vec![Effect::Limit(instance.clone())])
    );
    let limited = |result| Event::Limited {
        instance: instance.clone(),
        result,
    };
    assert_eq!(machine.handle(limited(Ok(())), NOW), []);
    let effects = machine.handle(limited(Err("it holds 3 MB".to_owned())), NOW);
    let told = Effect::Told(
        instance.clone(),
        News::OverLimit("it holds 3 MB".to_owned()),
    );
    assert_eq!(effects[0], told);
    assert!(status(&machine).renewed || status(&machine).state != StateName::Ready);
    carry_out(&mut machine, effects);
    exit(&mut machine, "a");
    assert_eq!(states(&machine), [("a#2".to_owned(), StateName::Ready)]);
}

/// A preview is told by whoever can measure, and foretells what the answer to `Limit` comes to.
#[test]
fn a_preview_tells_who_is_over_its_new_limits_and_who_is_not() {
    let machine = running(vec![simple("a", &[]), simple("b", &[])]);
    let limited = || {
        ["a", "b"].map(|of| {
            let mut spec = simple(of, &[]);
            spec.limits.memory_max = Some(1 << 20);
            spec
        })
    };
    let over = |instance: &Instance, limits: &Limits| {
        assert_eq!(limits.memory_max, Some(1 << 20));
        (instance.service.as_str() == "a").then(|| "it holds 3 MB".to_owned())
    };
    let preview =
        |machine: &Machine| machine.preview(Checked::new(limited().into()).unwrap(), NOW, over);
    let found = preview(&machine);
    assert_eq!(
        uptakes(&found),
        [("a", Uptake::Restart), ("b", Uptake::Live)]
    );
    let why: Vec<_> = found
        .changed
        .iter()
        .map(|c| c.over_limit.as_deref())
        .collect();
    assert_eq!(why, [Some("it holds 3 MB"), None]);
    // Who is to be down does not come up for it, and has no instance that could be over anything.
    let mut down = machine.clone();
    let effects = down.handle(Event::Request(Request::Stop(Target::All)), NOW);
    let next = [("a", Uptake::NextStart), ("b", Uptake::NextStart)];
    assert_eq!(uptakes(&preview(&down)), next);
    carry_out(&mut down, effects);
    assert_eq!(uptakes(&preview(&down)), next);
}

#[test]
fn a_liveness_probe_begins_and_ends_while_the_service_runs() {
    let mut machine = running(vec![simple("a", &[])]);
    assert_eq!(machine.next_deadline(), None);
    let mut spec = simple("a", &[]);
    spec.liveness = service("a", &[]).liveness;
    assert_eq!(take_up(&mut machine, spec).0, [Uptake::Live]);
    assert_eq!(machine.next_deadline(), Some(Time(Duration::from_secs(10))));
    assert_eq!(take_up(&mut machine, simple("a", &[])).0, [Uptake::Live]);
    assert_eq!(machine.next_deadline(), None);
}

#[test]
fn a_request_reloads_who_is_up_and_can() {
    let mut machine = running(vec![with_file("1")]);
    let request = Request::Reload(name("a"));
    machine.admit(&request).unwrap();
    let effects = machine.handle(Event::Request(request.clone()), NOW);
    assert_eq!(effects, [Effect::CheckFiles(instance(&machine, "a"))]);
    let machine = running(vec![simple("a", &[])]);
    assert_eq!(machine.admit(&request), Err(Denied::NoReload(name("a"))));
    let machine = Machine::new(vec![with_file("1")], 1).unwrap();
    assert_eq!(machine.admit(&request), Err(Denied::NotUp(name("a"))));
}
