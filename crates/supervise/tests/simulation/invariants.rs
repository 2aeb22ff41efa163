//! The promises, each a function with its name.

use std::collections::{BTreeMap, BTreeSet};

use supervise::{
    effect::{Change, Effect, Reason, StateName},
    event::Instance,
    machine::{Reconfigured, UnitStatus, Uptake},
    recycle::Chance,
    spec::{ServiceName, ServiceSpec},
};

use crate::{services, world::World};

/// Checked after each event.
pub(crate) fn check(world: &mut World) {
    world.picture.follow(&mut world.machine);
    never_two_live_processes_of_one_service(world);
    no_exit_is_lost(world);
    shutdown_is_complete_once_and_only_when_nothing_lives(world);
    a_deadline_is_never_left_behind(world);
    the_milestones_of_a_start_come_one_after_the_other(world);
}

fn is_external(world: &World, service: &ServiceName) -> bool {
    world
        .machine
        .spec(service)
        .is_some_and(ServiceSpec::is_external)
}

fn statuses(world: &World) -> BTreeMap<ServiceName, UnitStatus> {
    world
        .machine
        .status()
        .map(|s| (s.instance.service.clone(), s))
        .collect()
}

fn never_two_live_processes_of_one_service(world: &World) {
    let mut alive = BTreeSet::new();
    for (instance, _) in world
        .instances
        .iter()
        .filter(|(_, processes)| processes.main)
    {
        assert!(
            alive.insert(&instance.service),
            "two main processes of {}",
            instance.service
        );
    }
}

fn the_milestones_of_a_start_come_one_after_the_other(world: &World) {
    for start in world.machine.starts() {
        let milestones = &start.milestones;
        let known: Vec<_> = [
            milestones.wanted,
            milestones.launched,
            milestones.answered,
            milestones.ready,
        ]
        .into_iter()
        .flatten()
        .collect();
        assert!(known.is_sorted(), "{start:?}");
        let (launched, ready) = match start.state {
            StateName::Waiting => (Some(false), Some(false)),
            StateName::Starting | StateName::Running => (Some(true), Some(false)),
            StateName::Unhealthy if is_external(world, &start.instance.service) => {
                (Some(true), None)
            }
            StateName::Ready | StateName::Unhealthy => (Some(true), Some(true)),
            StateName::Stopped
            | StateName::Draining
            | StateName::Stopping
            | StateName::BackingOff
            | StateName::Completed
            | StateName::Scheduled
            | StateName::Failed => (None, None),
        };
        for (expected, milestone) in [(launched, milestones.launched), (ready, milestones.ready)] {
            assert!(
                expected.is_none_or(|is| is == milestone.is_some()),
                "{start:?}"
            );
        }
    }
}

/// A service that the machine believes to run does run, or the news of its end has not arrived yet.
fn no_exit_is_lost(world: &World) {
    for status in world.machine.status() {
        let believed = match status.state {
            _ if is_external(world, &status.instance.service) => false,
            StateName::Starting => !world.launch_is_pending(&status.instance),
            StateName::Running | StateName::Ready | StateName::Unhealthy | StateName::Draining => {
                true
            }
            // The state *clearing* counts as stopping, and the machine may know of the exit already.
            StateName::Stopping
            | StateName::Stopped
            | StateName::Waiting
            | StateName::BackingOff
            | StateName::Completed
            | StateName::Scheduled
            | StateName::Failed => false,
        };
        let runs = world
            .instances
            .get(&status.instance)
            .is_some_and(|processes| processes.main);
        assert!(
            !believed || runs || world.exit_is_pending(&status.instance),
            "{} is {}, and no process of it runs",
            status.instance,
            status.state
        );
        let down = matches!(
            status.state,
            StateName::Stopped
                | StateName::Waiting
                | StateName::BackingOff
                | StateName::Completed
                | StateName::Scheduled
                | StateName::Failed
        );
        assert!(
            !(down && runs),
            "{} is {}, and a process of it runs",
            status.instance,
            status.state
        );
    }
}

fn shutdown_is_complete_once_and_only_when_nothing_lives(world: &World) {
    assert!(
        world.shutdown_complete <= 1,
        "the shutdown was completed twice"
    );
    if world.shutdown_complete == 1 {
        for (instance, processes) in &world.instances {
            assert!(
                !processes.main && processes.others == 0,
                "{instance} outlived the shutdown"
            );
        }
    }
}

fn a_deadline_is_never_left_behind(world: &World) {
    if let Some(due) = world.machine.next_deadline() {
        let last = world.events.last().map(|(_, event)| event);
        assert!(
            world.without_an_event
                || due > world.now
                || last != Some(&supervise::event::Event::Deadline),
            "a deadline that has come stays: the runtime would spin"
        );
    }
}

/// Checked when the machine launches a service.
pub(crate) fn on_launch(world: &World, instance: &Instance) {
    // A resumed supervisor may ask for an instance that runs already.
    for (other, processes) in world
        .instances
        .iter()
        .filter(|(other, _)| other.service == instance.service && *other != instance)
    {
        assert!(
            !processes.main && processes.others == 0,
            "{instance} is launched beside {other}"
        );
    }
    let statuses = statuses(world);
    let spec = world
        .machine
        .spec(&instance.service)
        .expect("it is a service");
    let begun_before = world.begun_before.contains(instance);
    for needed in spec.requires.iter().filter(|_| !begun_before) {
        let state = statuses[needed].state;
        assert!(
            matches!(state, StateName::Ready | StateName::Completed),
            "{instance} is launched while {needed} is {state}"
        );
    }
    assert_eq!(
        statuses[&instance.service].instance, *instance,
        "an old instance is launched"
    );
    assert_eq!(
        world.shutdown_complete, 0,
        "{instance} is launched after the shutdown"
    );
}

/// An external service is ready only after it has answered.
fn who_is_external_has_answered(world: &World, change: &Change) {
    let service = &change.instance.service;
    if change.to == StateName::Ready && is_external(world, service) {
        assert_eq!(
            change.reason,
            Reason::ProbePassed,
            "{service} has not answered"
        );
    }
}

/// Checked when the machine reports a change.
pub(crate) fn on_change(world: &World, change: &Change) {
    who_is_external_has_answered(world, change);
    let service = &change.instance.service;
    let last = world
        .changes
        .iter()
        .rev()
        .find(|c| c.instance.service == *service);
    let was = match (world.went_on_in.get(service), last) {
        // The step with which a stop begins depends on the specification, which may have been replaced by
        // now.
        (Some(StateName::Draining | StateName::Stopping), _)
            if matches!(change.from, StateName::Draining | StateName::Stopping) =>
        {
            change.from
        }
        (Some(state), _) => *state,
        (None, Some(last)) => last.to,
        (None, None) => StateName::Stopped,
    };
    assert_eq!(
        change.from, was,
        "{service} changes from a state that it was not in"
    );
    assert_ne!(
        change.from, change.to,
        "{service} changes to the state that it is in"
    );
    dependants_go_first(world, change);
    a_leak_is_no_reason_to_stop_two_who_need_each_other(world, change);
}

/// The services that are down for a leak and not back yet.
fn recycling(world: &World) -> BTreeSet<&ServiceName> {
    let mut away = BTreeSet::new();
    for change in &world.changes {
        let service = &change.instance.service;
        let is_up = |state| matches!(state, StateName::Ready | StateName::Unhealthy);
        if is_up(change.from) && matches!(change.reason, Reason::Leaks(_)) {
            away.insert(service);
        }
        // A service that is down, or that its restart policy starts again, is in nobody's way.
        if is_up(change.to)
            || matches!(
                change.to,
                StateName::Stopped | StateName::Failed | StateName::BackingOff
            )
        {
            away.remove(service);
        }
    }
    away
}

/// Only a service that is watched, is up and can come back is restarted for a leak. If the restart cannot
/// wait, no service that requires it or that it requires is away at the same time. If it is by plan, no
/// other service at all is.
fn a_leak_is_no_reason_to_stop_two_who_need_each_other(world: &World, change: &Change) {
    let begins = matches!(change.from, StateName::Ready | StateName::Unhealthy);
    let Reason::Leaks(leak) = &change.reason else {
        return;
    };
    if !begins {
        return;
    }
    let service = &change.instance.service;
    let spec = world.machine.spec(service).expect("it is a service");
    assert!(spec.recycle.is_some(), "{service} is not watched");
    assert_eq!(spec.limits.memory_max, Some(leak.limit));
    assert!(!world.shutting_down, "{service} is down for good");
    let statuses = statuses(world);
    for needed in world
        .specs
        .get(service)
        .into_iter()
        .flat_map(|spec| &spec.requires)
    {
        assert!(
            matches!(
                statuses[needed].state,
                StateName::Ready | StateName::Completed
            ),
            "{service} could not come back: {needed} is not ready"
        );
    }
    // A supervisor that has died may not have reported everything.
    let others = if world.deaths == 0 {
        recycling(world)
    } else {
        BTreeSet::new()
    };
    for other in others {
        assert_eq!(
            leak.chance,
            Chance::Last,
            "{service} does not wait for {other}"
        );
        let related = requires(world, service, other) || requires(world, other, service);
        assert!(!related, "{service} and {other} are restarted at once");
    }
}

/// Whether one service requires another, directly or indirectly.
fn requires(world: &World, service: &ServiceName, other: &ServiceName) -> bool {
    // The instance may still run with an older specification.
    let spec = world.specs.get(service);
    spec.into_iter()
        .flat_map(|spec| &spec.requires)
        .any(|needed| needed == other || requires(world, needed, other))
}

/// Whether a service without a process (a completed task, or an external service) requires another.
fn leads_to(world: &World, from: &ServiceName, to: &ServiceName) -> bool {
    let statuses = statuses(world);
    let without = statuses.get(from).is_some_and(|status| {
        status.external || matches!(status.state, StateName::Completed | StateName::Stopped)
    });
    let spec = world.machine.spec(from).filter(|_| without);
    spec.into_iter()
        .flat_map(|spec| &spec.requires)
        .any(|needed| needed == to || leads_to(world, needed, to))
}

/// In a shutdown a service is stopped only when no service that needs it is left.
fn dependants_go_first(world: &World, change: &Change) {
    // A stop that had begun before the shutdown goes on.
    let asked_to_go = change.reason == Reason::Requested
        && change.from != StateName::Draining
        && matches!(change.to, StateName::Draining | StateName::Stopping);
    if !world.shutting_down || !asked_to_go {
        return;
    }
    let service = &change.instance.service;
    for (other, processes) in &world.instances {
        let gone = !processes.main && processes.others == 0;
        let Some(spec) = world.machine.spec(&other.service) else {
            assert!(gone, "{other} was forgotten while it lived");
            continue;
        };
        let still = |needed: &ServiceName| processes.requires.contains(needed);
        let needed = spec.requires.iter().filter(|needed| still(needed));
        let by_way = |needed: &ServiceName| needed == service || leads_to(world, needed, service);
        assert!(
            gone || !needed.into_iter().any(by_way),
            "{service} goes before {other}"
        );
    }
}

/// After the calm: a service that is not up has a reason for it, in itself or in what it requires.
pub(crate) fn a_failed_service_never_blocks_an_independent_one(world: &World) {
    let statuses = statuses(world);
    for status in statuses.values() {
        match status.state {
            StateName::Ready
            | StateName::Completed
            | StateName::Scheduled
            | StateName::Stopped
            | StateName::Failed => {}
            StateName::Waiting => {
                assert!(
                    !status.waits_for.is_empty(),
                    "{} waits for nothing",
                    status.instance
                );
                for needed in &status.waits_for {
                    let state = statuses[needed].state;
                    assert!(!matches!(state, StateName::Ready | StateName::Completed));
                }
            }
            state => panic!("{} is {state} after the calm", status.instance),
        }
    }
}

/// After the calm: removed services are forgotten, and every instance has the newest specification.
pub(crate) fn the_newest_specifications_are_in_force(world: &World) {
    let known: Vec<_> = statuses(world).into_keys().collect();
    let wanted: Vec<_> = world.specs.keys().cloned().collect();
    assert_eq!(known, wanted);
    for (name, spec) in &world.specs {
        assert_eq!(world.machine.spec(name), Some(spec), "{name} is outdated");
    }
}

/// After the calm: every instance has the limits of its specification, and either has read its files or is
/// known to go on with older ones.
pub(crate) fn who_runs_has_what_was_last_said(world: &World) {
    for status in world.machine.status() {
        let Some(running) = world
            .instances
            .get(&status.instance)
            .filter(|running| running.main)
        else {
            continue;
        };
        let spec = &world.specs[&status.instance.service];
        assert_eq!(running.limits, spec.limits, "{}", status.instance);
        assert!(
            !status.reloading,
            "{} reads its files for ever",
            status.instance
        );
        if status.outdated.is_none() {
            assert_eq!(running.files, services::mark(spec), "{}", status.instance);
        }
    }
}

/// When new specifications come: a service that takes its own up while it runs is not stopped for it.
pub(crate) fn only_who_has_to_is_disturbed(
    before: &[UnitStatus],
    news: &Reconfigured,
    effects: &[Effect],
) {
    let changed: BTreeMap<_, _> = news
        .changed
        .iter()
        .map(|c| (&c.service, c.uptake))
        .collect();
    for effect in effects {
        let Effect::StopStep { instance, .. } = effect else {
            continue;
        };
        let uptake = changed.get(&instance.service);
        // It may be about to stop for another reason, or follow a requirement.
        let was = before.iter().find(|status| status.instance == *instance);
        let up = was
            .is_some_and(|status| matches!(status.state, StateName::Ready | StateName::Unhealthy));
        assert!(
            !(up && matches!(uptake, Some(Uptake::Live | Uptake::Reload))),
            "{instance} is stopped for {uptake:?}"
        );
    }
}

/// When a supervisor is resumed: a service that was about to stop still is.
pub(crate) fn a_stop_that_had_begun_goes_on(world: &World, stopping: &[Instance]) {
    for status in world.machine.status() {
        assert!(
            !stopping.contains(&status.instance)
                || matches!(status.state, StateName::Draining | StateName::Stopping),
            "{} was on its way down, and is {}",
            status.instance,
            status.state
        );
    }
}

/// Checked after a shutdown.
pub(crate) fn stop_always_ends(world: &World) {
    assert_eq!(world.shutdown_complete, 1, "the shutdown did not end");
    assert!(
        world
            .machine
            .status()
            .all(|s| s.state == StateName::Stopped)
    );
    assert_eq!(
        world.machine.next_deadline(),
        None,
        "a timer runs after the shutdown"
    );
}
