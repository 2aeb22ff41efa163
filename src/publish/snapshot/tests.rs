use std::time::Duration;

use supervise::{event::Exit, machine::all_fine};

use super::*;
use crate::publish::fixtures::{facts, name};

fn at(seconds: u64) -> Time {
    Time(Duration::from_secs(seconds))
}

fn of(services: Vec<ServiceFacts>) -> Changes {
    Changes {
        services,
        ..Changes::default()
    }
}

fn first() -> Arc<Snapshot> {
    Arc::new(Snapshot::first(Whole::default(), at(0)))
}

fn thousand() -> Arc<Snapshot> {
    let mut snapshot = first();
    let all = (0..1000).map(|n| facts(&format!("s{n}"), StateName::Ready));
    assert!(Snapshot::advance(&mut snapshot, of(all.collect())));
    snapshot
}

#[test]
fn a_change_of_one_service_among_a_thousand_costs_one_service() {
    let mut snapshot = thousand();
    let (list, before) = (snapshot.services.as_ptr(), snapshot.services.clone());
    Snapshot::advance(&mut snapshot, of(vec![facts("s7", StateName::Unhealthy)]));
    assert_eq!(
        snapshot.services.as_ptr(),
        list,
        "nobody reads: no list is copied"
    );
    let pairs = before.iter().zip(&snapshot.services);
    let others: Vec<_> = pairs
        .filter(|(before, after)| !Arc::ptr_eq(before, after))
        .map(|(_, after)| after.name().as_str())
        .collect();
    assert_eq!(others, ["s7"]);
}

#[test]
fn a_reader_keeps_what_it_has_and_costs_one_list_of_pointers() {
    let mut snapshot = thousand();
    let read = Arc::clone(&snapshot);
    let mut lists = vec![snapshot.services.as_ptr()];
    for n in 0..100 {
        Snapshot::advance(
            &mut snapshot,
            of(vec![facts(&format!("s{n}"), StateName::Unhealthy)]),
        );
        lists.push(snapshot.services.as_ptr());
    }
    lists.dedup();
    assert_eq!(lists.len(), 2, "it was copied more than once");
    assert_eq!(read.state(), GatewayState::Ready);
    assert_eq!(snapshot.state(), GatewayState::Degraded);
    let shared = read.services.iter().zip(&snapshot.services);
    let shared = shared.filter(|(read, now)| Arc::ptr_eq(read, now));
    assert_eq!(shared.count(), 900);
}

#[test]
fn what_is_not_new_is_not_published() {
    let mut snapshot = thousand();
    let version = snapshot.version;
    let known = of(vec![facts("s1", StateName::Ready)]);
    assert!(!Snapshot::advance(&mut snapshot, known));
    let nothing = Changes {
        gone: vec![name("nobody")],
        reload: Some(None),
        ..Changes::default()
    };
    assert!(!Snapshot::advance(&mut snapshot, nothing));
    assert_eq!(snapshot.version, version);
    let refused = Changes {
        reload: Some(Some("line 3".to_owned())),
        ..Changes::default()
    };
    assert!(Snapshot::advance(&mut snapshot, refused));
    assert_eq!(snapshot.version, version + 1);
}

/// Every state of two services, one after the other, with one of them gone at the end.
#[test]
fn whether_all_is_fine_is_counted_as_it_would_be_looked_up() {
    let states = [
        StateName::Stopped,
        StateName::Waiting,
        StateName::Starting,
        StateName::Ready,
        StateName::Running,
        StateName::Completed,
        StateName::Scheduled,
        StateName::Unhealthy,
        StateName::Draining,
        StateName::Stopping,
        StateName::BackingOff,
        StateName::Failed,
    ];
    let mut snapshot = first();
    let mut seen = Vec::new();
    for one in states {
        for other in states {
            Snapshot::advance(&mut snapshot, of(vec![facts("a", one), facts("b", other)]));
            assert_eq!(
                snapshot.is_fine(),
                all_fine(snapshot.statuses()),
                "{one} {other}"
            );
            seen.push(snapshot.is_fine());
        }
    }
    assert!(seen.contains(&true) && seen.contains(&false));
    Snapshot::advance(&mut snapshot, of(vec![facts("a", StateName::Ready)]));
    assert!(!snapshot.is_fine());
    let gone = Changes {
        gone: vec![name("b")],
        ..Changes::default()
    };
    Snapshot::advance(&mut snapshot, gone);
    assert!(snapshot.is_fine());
    assert_eq!(snapshot.services.len(), 1);
}

#[test]
fn the_latest_fifty_changes_of_a_service_are_remembered() {
    let mut snapshot = first();
    let transition = |seconds| Transition {
        at: at(seconds),
        state: StateName::BackingOff,
        reason: Reason::Exited(Exit::Code(3)),
    };
    for seconds in 0..60 {
        let changes = Changes {
            transitions: vec![(name("a"), transition(seconds))],
            ..of(vec![facts("a", StateName::BackingOff)])
        };
        Snapshot::advance(&mut snapshot, changes);
    }
    let history = &snapshot.service(&name("a")).unwrap().history;
    let times: Vec<_> = history.iter().map(|transition| transition.at).collect();
    let wanted: Vec<_> = (10..60).map(at).collect();
    assert_eq!(times, wanted);
}

#[test]
fn the_last_start_of_everything_is_kept_as_it_was_until_the_next_one() {
    let mut snapshot = first();
    Snapshot::advance(&mut snapshot, of(vec![facts("a", StateName::Starting)]));
    assert!(snapshot.starts.kept.is_none());
    Snapshot::advance(&mut snapshot, of(vec![facts("a", StateName::Ready)]));
    let kept = |snapshot: &Snapshot| snapshot.starts.kept.clone().map(|kept| kept[0].state());
    assert_eq!(kept(&snapshot), Some(StateName::Ready));
    Snapshot::advance(&mut snapshot, of(vec![facts("a", StateName::Unhealthy)]));
    assert_eq!(kept(&snapshot), Some(StateName::Ready));
    assert_eq!(snapshot.state(), GatewayState::Degraded);
    let again = Changes {
        asked: Some(at(60)),
        ..of(vec![facts("a", StateName::Stopping)])
    };
    Snapshot::advance(&mut snapshot, again);
    assert_eq!((kept(&snapshot), snapshot.starts.asked), (None, at(60)));
    let ends = Changes {
        ending: true,
        ..Changes::default()
    };
    Snapshot::advance(&mut snapshot, ends);
    assert_eq!(snapshot.state(), GatewayState::Stopping);
}

#[test]
fn a_time_is_told_by_the_wall_clock_as_it_is_now() {
    let wall = humantime::parse_rfc3339("2026-11-29T12:00:00Z").unwrap();
    let now = Now { time: at(90), wall };
    assert_eq!(now.rfc3339(at(30)), "2026-11-29T11:59:00.000Z");
    // The clock was set back to its beginning.
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(5);
    let now = Now { time: at(90), wall };
    assert_eq!(now.rfc3339(at(30)), "1970-01-01T00:00:00.000Z");
}
