//! The promises, by name.

use std::collections::{BTreeMap, BTreeSet};

use supervise::{
    effect::{Change, Reason, StateName},
    event::Instance,
    machine::ServiceStatus,
    recycle::Chance,
    spec::ServiceName,
};

use crate::world::World;

/// After each event.
pub(crate) fn check(world: &World) {
    never_two_live_processes_of_one_service(world);
    no_exit_is_lost(world);
    shutdown_is_complete_once_and_only_when_nothing_lives(world);
    a_deadline_is_never_left_behind(world);
    the_moments_of_a_start_come_one_after_the_other(world);
}

fn statuses(world: &World) -> BTreeMap<ServiceName, ServiceStatus> {
    world
        .machine
        .status()
        .map(|s| (s.instance.service.clone(), s))
        .collect()
}

fn never_two_live_processes_of_one_service(world: &World) {
    let mut alive = BTreeSet::new();
    for (instance, _) in world.lives.iter().filter(|(_, life)| life.main) {
        assert!(
            alive.insert(&instance.service),
            "two main processes of {}",
            instance.service
        );
    }
}

fn the_moments_of_a_start_come_one_after_the_other(world: &World) {
    for start in world.machine.starts() {
        let moments = &start.moments;
        let known: Vec<_> = [
            moments.wanted,
            moments.launched,
            moments.answered,
            moments.ready,
        ]
        .into_iter()
        .flatten()
        .collect();
        assert!(known.is_sorted(), "{start:?}");
        let (launched, ready) = match start.state {
            StateName::Waiting => (Some(false), Some(false)),
            StateName::Starting => (Some(true), Some(false)),
            StateName::Ready | StateName::Unhealthy => (Some(true), Some(true)),
            StateName::Stopped
            | StateName::Draining
            | StateName::Stopping
            | StateName::BackingOff
            | StateName::Failed => (None, None),
        };
        for (expected, moment) in [(launched, moments.launched), (ready, moments.ready)] {
            assert!(
                expected.is_none_or(|is| is == moment.is_some()),
                "{start:?}"
            );
        }
    }
}

/// Whom the machine believes to run does run, or the news of its end is on its way.
fn no_exit_is_lost(world: &World) {
    for status in world.machine.status() {
        let believed = match status.state {
            StateName::Starting => !world.launch_is_pending(&status.instance),
            StateName::Ready | StateName::Unhealthy | StateName::Draining => true,
            // Clearing is a part of stopping, and there the exit may have been taken in.
            StateName::Stopping
            | StateName::Stopped
            | StateName::Waiting
            | StateName::BackingOff
            | StateName::Failed => false,
        };
        let runs = world
            .lives
            .get(&status.instance)
            .is_some_and(|life| life.main);
        assert!(
            !believed || runs || world.exit_is_pending(&status.instance),
            "{} is {}, and no process of it runs",
            status.instance,
            status.state
        );
        let down = matches!(
            status.state,
            StateName::Stopped | StateName::Waiting | StateName::BackingOff | StateName::Failed
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
        for (instance, life) in &world.lives {
            assert!(
                !life.main && life.others == 0,
                "{instance} outlived the shutdown"
            );
        }
    }
}

fn a_deadline_is_never_left_behind(world: &World) {
    if let Some(due) = world.machine.next_deadline() {
        let last = world.events.last().map(|(_, event)| event);
        assert!(
            due > world.now || last != Some(&supervise::event::Event::Deadline),
            "a deadline that has come stays: the runtime would spin"
        );
    }
}

/// When the machine launches.
pub(crate) fn on_launch(world: &World, instance: &Instance) {
    for (other, life) in world
        .lives
        .iter()
        .filter(|(other, _)| other.service == instance.service)
    {
        assert!(
            !life.main && life.others == 0,
            "{instance} is launched beside {other}"
        );
    }
    let statuses = statuses(world);
    let spec = world
        .machine
        .spec(&instance.service)
        .expect("it is a service");
    for needed in &spec.requires {
        let state = statuses[needed].state;
        assert_eq!(
            state,
            StateName::Ready,
            "{instance} is launched while {needed} is {state}"
        );
    }
    assert_eq!(
        statuses[&instance.service].instance, *instance,
        "an old life is launched"
    );
    assert_eq!(
        world.shutdown_complete, 0,
        "{instance} is launched after the shutdown"
    );
}

/// When the machine tells of a change.
pub(crate) fn on_change(world: &World, change: &Change) {
    let service = &change.instance.service;
    let last = world
        .changes
        .iter()
        .rev()
        .find(|c| c.instance.service == *service);
    let was = last.map_or(StateName::Stopped, |c| c.to);
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

/// Whom a leak has brought down and who is not back yet.
fn recycling(world: &World) -> BTreeSet<&ServiceName> {
    let mut away = BTreeSet::new();
    for change in &world.changes {
        let service = &change.instance.service;
        let is_up = |state| matches!(state, StateName::Ready | StateName::Unhealthy);
        if is_up(change.from) && matches!(change.reason, Reason::Leaks(_)) {
            away.insert(service);
        }
        // One that is down, or comes up by its restart policy, is in nobody's way.
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

/// Only who is watched, is up and can come back is restarted for a leak, at the last moment nobody
/// at the same time as somebody whom it requires or who requires it, and by plan one at a time.
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
    for needed in &spec.requires {
        assert_eq!(
            statuses[needed].state,
            StateName::Ready,
            "{service} could not come back: {needed} is not ready"
        );
    }
    for other in recycling(world) {
        assert_eq!(
            leak.chance,
            Chance::Last,
            "{service} does not wait for {other}"
        );
        let related = requires(world, service, other) || requires(world, other, service);
        assert!(!related, "{service} and {other} are restarted at once");
    }
}

/// By way of others too.
fn requires(world: &World, service: &ServiceName, other: &ServiceName) -> bool {
    let spec = world.machine.spec(service);
    spec.into_iter()
        .flat_map(|spec| &spec.requires)
        .any(|needed| needed == other || requires(world, needed, other))
}

/// In a shutdown a service is asked to go only when nobody is left who needs it.
fn dependants_go_first(world: &World, change: &Change) {
    // One that was on its way before the shutdown goes on.
    let asked_to_go = change.reason == Reason::Requested
        && change.from != StateName::Draining
        && matches!(change.to, StateName::Draining | StateName::Stopping);
    if !world.shutting_down || !asked_to_go {
        return;
    }
    let service = &change.instance.service;
    for (other, life) in &world.lives {
        let gone = !life.main && life.others == 0;
        let Some(spec) = world.machine.spec(&other.service) else {
            assert!(gone, "{other} was forgotten while it lived");
            continue;
        };
        assert!(
            gone || !spec.requires.contains(service),
            "{service} goes before {other}"
        );
    }
}

/// After the calm: whoever is not up has a reason that lies in itself or in what it requires.
pub(crate) fn a_failed_service_never_blocks_an_independent_one(world: &World) {
    let statuses = statuses(world);
    for status in statuses.values() {
        match status.state {
            StateName::Ready | StateName::Stopped | StateName::Failed => {}
            StateName::Waiting => {
                assert!(
                    !status.waits_for.is_empty(),
                    "{} waits for nothing",
                    status.instance
                );
                for needed in &status.waits_for {
                    assert_ne!(statuses[needed].state, StateName::Ready);
                }
            }
            state => panic!("{} is {state} after the calm", status.instance),
        }
    }
}

/// After the calm: what was taken away is forgotten, and every instance runs what was last said of it.
pub(crate) fn the_newest_specifications_are_in_force(world: &World) {
    let known: Vec<_> = statuses(world).into_keys().collect();
    let wanted: Vec<_> = world.specs.keys().cloned().collect();
    assert_eq!(known, wanted);
    for (name, spec) in &world.specs {
        assert_eq!(world.machine.spec(name), Some(spec), "{name} is outdated");
    }
}

/// After a shutdown.
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

/// Which changes of state were seen: a simulation that never fails a service proves nothing of it.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    arrows: BTreeSet<(StateName, StateName)>,
    /// Lives that were ended for a leak.
    leaks: usize,
}

impl Coverage {
    pub(crate) fn add(&mut self, world: &World) {
        let changes = &world.changes;
        self.arrows.extend(changes.iter().map(|c| (c.from, c.to)));
        let leaks = changes
            .iter()
            .filter(|c| matches!(c.reason, Reason::Leaks(_)) && c.to == StateName::Waiting);
        self.leaks += leaks.count();
    }

    pub(crate) fn check(&self) {
        use StateName::{
            BackingOff, Draining, Failed, Ready, Starting, Stopped, Stopping, Unhealthy, Waiting,
        };
        for arrow in [
            (Stopped, Waiting),
            (Waiting, Starting),
            (Waiting, Stopped),
            (Starting, Ready),
            (Starting, Stopping),
            (Starting, BackingOff),
            (Starting, Failed),
            (Ready, Unhealthy),
            (Unhealthy, Ready),
            (Ready, Draining),
            (Ready, Stopping),
            (Unhealthy, Draining),
            (Unhealthy, Stopping),
            (Draining, Stopping),
            (Stopping, Stopped),
            (Stopping, Waiting),
            (Stopping, BackingOff),
            (Stopping, Failed),
            (BackingOff, Waiting),
            (BackingOff, Stopped),
            (Failed, Waiting),
            (Failed, Stopped),
        ] {
            assert!(
                self.arrows.contains(&arrow),
                "{} -> {} never happened",
                arrow.0,
                arrow.1
            );
        }
        assert!(self.leaks > 20, "only {} leaks were mended", self.leaks);
    }
}
