//! Against a tree of plain files: what is written where, and what is said where nothing can be.

use std::fs;

use super::*;

const OWN: i32 = 4711;

/// A delegated cgroup with one service's leaf as the kernel would make it.
fn tree(controllers: &str, processes: &str) -> tempfile::TempDir {
    let mount = tempfile::tempdir().unwrap();
    let unit = mount.path().join("app.slice/ai-gateway.service");
    for leaf in ["supervisor", "litellm"] {
        fs::create_dir_all(unit.join(leaf)).unwrap();
    }
    let file = |name: &str, text: &str| fs::write(unit.join(name), text).unwrap();
    file("cgroup.procs", processes);
    file("cgroup.controllers", controllers);
    file("cgroup.subtree_control", "");
    file("supervisor/cgroup.procs", "");
    for name in [
        "memory.max",
        "memory.high",
        "memory.oom.group",
        "cpu.max",
        "cpu.weight",
        "pids.max",
    ] {
        file(&format!("litellm/{name}"), "");
    }
    mount
}

fn divide(mount: &Path) -> Groups {
    Groups::divide(mount, "/app.slice/ai-gateway.service".into(), OWN)
}

fn litellm() -> ServiceName {
    ServiceName::new("litellm").unwrap()
}

#[test]
fn limits_are_written_before_anything_can_be_in_the_cgroup() {
    let mount = tree("cpu io memory pids", &format!("{OWN}\n"));
    let mut groups = divide(mount.path());
    assert_eq!(
        groups.state(),
        LimitsState {
            enforced: true,
            reason: None
        }
    );
    let limits = Limits {
        memory_max: Some(480 << 20),
        memory_high: Some(440 << 20),
        cpu_milli: Some(700),
        pids_max: Some(200),
        ..Limits::default()
    };
    groups.prepare(&litellm(), &limits).unwrap().unwrap();
    let unit = mount.path().join("app.slice/ai-gateway.service");
    let read = |name: &str| fs::read_to_string(unit.join(name)).unwrap();
    assert_eq!(read("supervisor/cgroup.procs"), OWN.to_string());
    assert_eq!(read("litellm/memory.max"), (480 << 20).to_string());
    assert_eq!(read("litellm/memory.high"), (440 << 20).to_string());
    assert_eq!(read("litellm/memory.oom.group"), "1");
    assert_eq!(read("litellm/cpu.max"), "70000 100000");
    assert_eq!(read("litellm/cpu.weight"), "100");
    assert_eq!(read("litellm/pids.max"), "200");
    let path = groups.path(&litellm()).unwrap();
    assert_eq!(path, "/app.slice/ai-gateway.service/litellm");
}

#[test]
fn a_service_without_limits_gets_those_of_before_taken_off() {
    let mount = tree("cpu memory pids", "");
    let mut groups = divide(mount.path());
    groups.prepare(&litellm(), &Limits::default()).unwrap();
    let unit = mount.path().join("app.slice/ai-gateway.service/litellm");
    for (file, value) in [
        ("memory.max", "max"),
        ("cpu.max", "max 100000"),
        ("pids.max", "max"),
    ] {
        assert_eq!(fs::read_to_string(unit.join(file)).unwrap(), value);
    }
}

#[test]
fn missing_controllers_are_named_with_what_mends_them() {
    let mount = tree("memory pids", "");
    let state = divide(mount.path()).state();
    assert!(!state.enforced);
    let reason = state.reason.unwrap();
    assert!(
        reason.starts_with("the controllers cpu are not delegated"),
        "{reason}"
    );
}

#[test]
fn a_cgroup_shared_with_others_is_not_ours_to_divide() {
    let mount = tree("cpu memory pids", &format!("{OWN}\n1\n"));
    let reason = divide(mount.path()).state().reason.unwrap();
    assert!(reason.contains("holds other processes as well"), "{reason}");
    let nothing = tempfile::tempdir().unwrap();
    assert!(!divide(nothing.path()).state().enforced);
}

#[test]
fn the_unified_hierarchy_is_found_in_every_layout() {
    let hybrid = "31 23 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n\
                  32 31 0:28 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
    assert_eq!(unified_mount(hybrid), Some("/sys/fs/cgroup/unified".into()));
    let legacy = "32 31 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
    assert_eq!(unified_mount(legacy), None);
    let own = "4:memory:/x\n0::/user.slice/app.slice/a.service\n";
    assert_eq!(
        own_path(own),
        Some("/user.slice/app.slice/a.service".into())
    );
    assert_eq!(own_path("0::/../../outside\n"), None);
    assert_eq!(own_path("4:memory:/x\n"), None);
}
