use proptest::prelude::*;
use supervise::spec::ServiceName;

use super::*;

const OWN: i32 = 100;

fn id(letter: char) -> GatewayId {
    GatewayId::parse(&letter.to_string().repeat(32)).unwrap()
}

fn service(name: &str) -> Owner {
    Owner::Service(ServiceName::new(name).unwrap())
}

fn mark(letter: char, owner: Owner) -> Option<Mark> {
    Some(Mark {
        gateway: id(letter),
        owner: Some(owner),
    })
}

/// A process in a group and a session of its own.
fn process(pid: i32, parent: i32, started: u64) -> Process {
    Process {
        stat: Stat {
            pid,
            parent,
            group: pid,
            session: pid,
            started,
            cpu_ticks: 0,
            zombie: false,
            stopped: false,
            busy: false,
        },
        mark: None,
        cgroup: None,
        folder: None,
    }
}

fn in_group(group: i32, process: Process) -> Process {
    let stat = Stat {
        group,
        session: group,
        ..process.stat
    };
    Process { stat, ..process }
}

fn in_folder(process: Process) -> Process {
    Process {
        folder: Some("/state/services/a".into()),
        ..process
    }
}

/// The main process of `a` is 200, started at 50, in a cgroup and a folder.
fn found(processes: &[Process], reaper: bool) -> Vec<(i32, Owner)> {
    let gateway = id('a');
    let known = Known {
        gateway: &gateway,
        roots: vec![Root {
            owner: service("a"),
            pid: 200,
            started: 50,
            cgroup: Some("/gw/a"),
            folder: Path::new("/state/services/a"),
        }],
        own: OWN,
        reaper,
    };
    let found = ours(processes, &known).into_iter();
    found.map(|ours| (ours.pid, ours.owner)).collect()
}

/// Those of `a`, to whoever comes after a daemon that was killed.
fn of_a(processes: &[Process]) -> Vec<i32> {
    let found = found(processes, false).into_iter();
    found
        .inspect(|(_, owner)| assert_eq!(*owner, service("a")))
        .map(|(pid, _)| pid)
        .collect()
}

#[test]
fn a_mark_is_inherited_however_the_process_left() {
    let moved = Process {
        mark: mark('a', service("a")),
        ..process(300, 1, 60)
    };
    let others = Process {
        mark: mark('b', service("a")),
        ..process(301, 1, 60)
    };
    assert_eq!(of_a(&[moved, others]), [300]);
}

#[test]
fn a_number_that_was_given_to_another_is_not_ours() {
    assert_eq!(of_a(&[process(200, 1, 50)]), [200]);
    // Nor is its group, though somebody works in our folder.
    let group = in_folder(in_group(200, process(201, 200, 62)));
    assert_eq!(of_a(&[process(200, 1, 61), group]), [0; 0]);
}

#[test]
fn a_folder_makes_nobody_ours() {
    // A shell in a service's folder, what it runs there, and the command that asks.
    let shell = in_folder(process(90, 1, 10));
    let sleep = in_folder(process(91, 90, 20));
    let start = in_folder(process(OWN, 90, 30));
    assert_eq!(of_a(&[shell, sleep, start]), [0; 0]);
}

#[test]
fn a_group_is_ours_while_its_leader_is_or_its_member_is_at_home() {
    let leader = process(200, 1, 50);
    let worker = in_group(200, process(201, 1, 55));
    assert_eq!(of_a(&[leader, worker.clone()]), [200, 201]);
    assert_eq!(of_a(std::slice::from_ref(&worker)), [0; 0]);
    assert_eq!(of_a(&[in_folder(worker)]), [201]);
}

#[test]
fn a_cgroup_and_all_below_a_process_of_ours_are_ours() {
    let contained = Process {
        cgroup: Some("/gw/a".to_owned()),
        ..process(201, 1, 55)
    };
    let below = process(202, 201, 56);
    let beside = Process {
        cgroup: Some("/gw".to_owned()),
        ..process(203, 1, 55)
    };
    assert_eq!(of_a(&[contained, below, beside]), [201, 202]);
}

#[test]
fn the_one_who_asks_and_its_ancestors_are_spared_and_what_has_ended_is_no_more() {
    let marked = |process| Process {
        mark: mark('a', service("a")),
        ..process
    };
    let shell = marked(process(90, 1, 10));
    let start = marked(process(OWN, 90, 30));
    let beside = marked(process(91, 90, 20));
    let mut ended = marked(process(92, 1, 20));
    ended.stat.zombie = true;
    assert_eq!(of_a(&[shell, start, beside, ended]), [91]);
}

#[test]
fn another_gateway_below_a_service_is_not_ours() {
    let main = process(200, 1, 50);
    let other = Process {
        mark: mark('b', service("a")),
        ..process(201, 200, 55)
    };
    let below = process(202, 201, 56);
    assert_eq!(of_a(&[main, other, below]), [200]);
}

#[test]
fn set_up_and_services_are_told_apart() {
    let set_up = Process {
        mark: mark('a', Owner::SetUp),
        ..process(300, 1, 60)
    };
    let below = process(301, 300, 61);
    let owners = found(&[set_up, below], false);
    assert_eq!(owners, [(300, Owner::SetUp), (301, Owner::SetUp)]);
}

#[test]
fn to_the_daemon_an_orphan_belongs_where_it_works() {
    let daemon = process(OWN, 1, 10);
    let orphan = in_folder(process(201, OWN, 55));
    let below = process(202, 201, 56);
    let processes = [daemon, orphan, below];
    let owners = found(&processes, true);
    assert_eq!(owners, [(201, service("a")), (202, service("a"))]);
    assert_eq!(found(&processes, false), []);
}

fn any_process() -> impl Strategy<Value = Process> {
    let letter = prop_oneof![Just('a'), Just('b')];
    let marks = prop_oneof![
        3 => Just(None),
        1 => letter.prop_map(|letter| mark(letter, service("b"))),
    ];
    let numbers = (95..110_i32, 95..110_i32, 95..110_i32);
    (numbers, 0..20_u64, any::<bool>(), marks, any::<bool>()).prop_map(
        |((parent, group, session), started, zombie, mark, at_home)| {
            let mut process = process(0, parent, started);
            process.stat.group = group;
            process.stat.session = session;
            process.stat.zombie = zombie;
            process.mark = mark;
            if at_home { in_folder(process) } else { process }
        },
    )
}

proptest! {
    /// Whatever the table is: groups of those who are gone, circles of parents, numbers used again.
    #[test]
    fn nobody_is_found_without_evidence(
        mut table in prop::collection::vec(any_process(), 15),
        main in 95..110_i32,
        main_started in 0..20_u64,
    ) {
        for (pid, process) in (95..).zip(&mut table) {
            process.stat.pid = pid;
        }
        let gateway = id('a');
        let known = Known {
            gateway: &gateway,
            roots: vec![Root {
                owner: service("a"),
                pid: main,
                started: main_started,
                cgroup: None,
                folder: Path::new("/state/services/a"),
            }],
            own: OWN,
            reaper: false,
        };
        let found: HashMap<i32, Ours> =
            ours(&table, &known).into_iter().map(|ours| (ours.pid, ours)).collect();
        let of = |pid: i32| table.iter().find(|process| process.stat.pid == pid);
        let is_main = |process: &Process| {
            (process.stat.pid, process.stat.started) == (main, main_started)
        };
        let mut spared = vec![OWN];
        while let Some(parent) = of(spared[spared.len() - 1]).map(|process| process.stat.parent) {
            if spared.contains(&parent) {
                break;
            }
            spared.push(parent);
        }
        for pid in spared {
            prop_assert!(!found.contains_key(&pid), "{pid} is an ancestor");
        }
        for process in table.iter().filter(|process| !process.stat.zombie) {
            let ours = found.get(&process.stat.pid);
            match &process.mark {
                Some(mark) if mark.gateway == gateway => {
                    let owner = ours.map(|ours| ours.owner.clone());
                    prop_assert!(owner.is_none_or(|owner| owner == service("b")));
                }
                Some(_) => prop_assert_eq!(ours, None),
                None => {}
            }
            let Some(ours) = ours else { continue };
            let led = [process.stat.group, process.stat.session].contains(&main)
                && of(main).is_some_and(is_main);
            let inherited = of(process.stat.parent)
                .is_some_and(|parent| parent.stat.started <= process.stat.started);
            prop_assert!(
                process.mark.is_some() || is_main(process) || led || inherited,
                "{:?}", ours
            );
        }
    }

    #[test]
    fn without_a_mark_or_a_record_nothing_is_ours(
        mut table in prop::collection::vec(any_process(), 15),
    ) {
        for (pid, process) in (95..).zip(&mut table) {
            process.stat.pid = pid;
            process.mark = None;
        }
        let gateway = id('a');
        let known = Known { gateway: &gateway, roots: vec![], own: OWN, reaper: false };
        prop_assert_eq!(ours(&table, &known), vec![]);
    }
}
