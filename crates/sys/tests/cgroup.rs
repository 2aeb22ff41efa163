//! The files of a cgroup, in a folder that stands for one and in a real one.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use common::{launch, null, until_ended};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use sys::cgroup::{
    Action, Cgroup, CgroupError, CpuMax, CpuStat, MemoryEvents, MemoryPressure, MemoryStat,
};
use sys::pidfd::ProcessEnd;
use tempfile::TempDir;

/// A folder with these files in it, as a cgroup.
fn tree(files: &[(&str, &str)]) -> (TempDir, Cgroup) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let cgroup = Cgroup::open(folder.path()).unwrap();
    (folder, cgroup)
}

fn written(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn limits_are_written_as_the_kernel_reads_them() {
    let names = [
        "memory.max",
        "memory.high",
        "memory.oom.group",
        "cpu.max",
        "cpu.weight",
    ];
    let more = [
        "pids.max",
        "io.weight",
        "cgroup.subtree_control",
        "cgroup.procs",
        "cgroup.kill",
    ];
    let files: Vec<_> = names.iter().chain(&more).map(|name| (*name, "")).collect();
    let (folder, cgroup) = tree(&files);

    cgroup.set_memory_max(Some(1 << 30)).unwrap();
    cgroup.set_memory_high(None).unwrap();
    cgroup.set_memory_oom_group(true).unwrap();
    cgroup
        .set_cpu_max(CpuMax {
            quota_usec: Some(150_000),
            period_usec: 100_000,
        })
        .unwrap();
    cgroup.set_cpu_weight(200).unwrap();
    cgroup.set_pids_max(Some(64)).unwrap();
    cgroup.set_io_weight(50).unwrap();
    cgroup.enable_controllers(&["cpu", "memory"]).unwrap();
    cgroup.add_process(42).unwrap();
    cgroup.kill().unwrap();

    let all: Vec<_> = names
        .iter()
        .chain(&more)
        .map(|name| written(&folder, name))
        .collect();
    let limits = ["1073741824", "max", "1", "150000 100000", "200"];
    let others = ["64", "default 50", "+cpu +memory", "42", "1"];
    assert_eq!(all, [limits, others].concat());
}

#[test]
fn no_limit_on_the_processors_keeps_the_period() {
    let (folder, cgroup) = tree(&[("cpu.max", "")]);
    cgroup
        .set_cpu_max(CpuMax {
            quota_usec: None,
            period_usec: 100_000,
        })
        .unwrap();
    assert_eq!(written(&folder, "cpu.max"), "max 100000");
}

#[test]
fn a_missing_controller_is_an_error_that_names_file_and_value() {
    let (folder, cgroup) = tree(&[]);
    let error = cgroup.set_memory_max(Some(5)).unwrap_err();
    let file = folder.path().join("memory.max");
    assert_eq!(
        error.to_string(),
        format!("cannot write \"5\" to {}", file.display())
    );
    assert_eq!(error.errno(), Some(libc::ENOENT));
    assert!(!file.exists(), "a write must never make the file");
    assert!(!cgroup.has("memory.max"));
}

#[test]
fn what_the_kernel_counts_is_read() {
    let (_folder, cgroup) = tree(&[
        ("memory.current", "4096\n"),
        ("memory.peak", "8192\n"),
        ("memory.max", "max\n"),
        ("memory.high", "16384\n"),
        (
            "memory.events",
            "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n",
        ),
        (
            "memory.stat",
            "anon 1\nfile 2\nslab_reclaimable 7\ninactive_file 8\nactive_file 9\n",
        ),
        (
            "memory.pressure",
            "some avg10=0.00 avg60=1.50 avg300=0.00 total=1234\n\
             full avg10=0.00 avg60=0.00 avg300=0.00 total=56\n",
        ),
        ("cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\n"),
        ("cgroup.events", "populated 1\nfrozen 0\n"),
        ("cgroup.controllers", "cpu memory pids\n"),
        ("cgroup.procs", "1\n22\n"),
    ]);
    assert_eq!(cgroup.memory_current().unwrap(), 4096);
    assert_eq!(cgroup.memory_peak().unwrap(), Some(8192));
    assert_eq!(cgroup.memory_max().unwrap(), None);
    assert_eq!(cgroup.memory_high().unwrap(), Some(16384));
    let events = MemoryEvents {
        low: 1,
        high: 2,
        max: 3,
        oom: 4,
        oom_kill: 5,
        oom_group_kill: 6,
    };
    assert_eq!(cgroup.memory_events().unwrap(), events);
    let stat = MemoryStat {
        active_file: 9,
        inactive_file: 8,
        slab_reclaimable: 7,
    };
    assert_eq!(cgroup.memory_stat().unwrap(), stat);
    let pressure = MemoryPressure {
        some_usec: 1234,
        full_usec: 56,
    };
    assert_eq!(cgroup.memory_pressure().unwrap(), Some(pressure));
    let cpu = CpuStat {
        usage_usec: 30,
        user_usec: 20,
        system_usec: 10,
        ..CpuStat::default()
    };
    assert_eq!(cgroup.cpu_stat().unwrap(), cpu);
    assert!(cgroup.populated().unwrap());
    assert_eq!(cgroup.controllers().unwrap(), ["cpu", "memory", "pids"]);
    assert_eq!(cgroup.processes().unwrap(), [1, 22]);
}

#[test]
fn a_kernel_that_keeps_no_peak_and_no_pressure_gives_none() {
    let (_folder, cgroup) = tree(&[]);
    assert_eq!(cgroup.memory_pressure().unwrap(), None);
    assert_eq!(cgroup.memory_peak().unwrap(), None);
}

#[test]
fn nonsense_is_an_error_that_shows_it() {
    let (_folder, cgroup) = tree(&[("memory.current", "many\n")]);
    let error = cgroup.memory_current().unwrap_err();
    assert!(matches!(&error, CgroupError::Malformed { text, .. } if text == "many\n"));
}

#[test]
fn a_child_is_made_once_and_opened_again() {
    let (folder, cgroup) = tree(&[]);
    let first = cgroup.create_child("postgres").unwrap();
    assert_eq!(first.path(), folder.path().join("postgres"));
    cgroup.create_child("postgres").unwrap();
    cgroup.remove_child("postgres").unwrap();
    cgroup.remove_child("postgres").unwrap();
    let error = cgroup.child("postgres").unwrap_err();
    assert!(matches!(
        error,
        CgroupError::Io {
            action: Action::Open,
            ..
        }
    ));
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    let (_folder, cgroup) = tree(&[]);
    for name in ["", ".", "..", "a/b", "/tmp"] {
        assert_eq!(
            cgroup.create_child(name).unwrap_err().errno(),
            Some(libc::EINVAL)
        );
        assert_eq!(cgroup.child(name).unwrap_err().errno(), Some(libc::EINVAL));
        assert_eq!(
            cgroup.remove_child(name).unwrap_err().errno(),
            Some(libc::EINVAL)
        );
    }
}

/// A cgroup of the test's own, removed afterwards.
struct Real {
    parent: Cgroup,
    name: String,
}

impl Real {
    fn new(test: &str) -> Option<Self> {
        let name = format!("sys-test-{}-{test}", std::process::id());
        let parents = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
        let found = candidates(&parents).find_map(|path| {
            let parent = Cgroup::open(path).ok()?;
            parent.has("cgroup.procs").then_some(())?;
            parent.create_child(&name).ok()?;
            Some(Self {
                parent,
                name: name.clone(),
            })
        });
        if found.is_none() {
            // Past the capture of the harness: a test that does not run must not look like one.
            let skipped = format!("\nskipped - {test}: no cgroup v2 here that we may write\n");
            std::io::stderr().write_all(skipped.as_bytes()).unwrap();
        }
        found
    }

    fn cgroup(&self) -> Cgroup {
        self.parent.child(&self.name).unwrap()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.parent.remove_child(&self.name).unwrap();
    }
}

/// Our own cgroup first (it may be delegated to us), then the roots.
fn candidates<'a>(roots: &'a [&'a str]) -> impl Iterator<Item = PathBuf> + 'a {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = own
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))
        .unwrap_or("")
        .to_owned();
    let joined = roots.iter().map(move |root| Path::new(root).join(&own));
    joined.chain(roots.iter().map(PathBuf::from))
}

#[test]
fn a_process_is_born_in_its_cgroup_and_its_end_is_an_event() {
    let Some(real) = Real::new("born") else {
        return;
    };
    let (null, cgroup) = (null(), real.cgroup());
    let watch = cgroup.watch_events().unwrap();
    assert_eq!(watch.read("populated").unwrap(), 0);

    let mut launch = launch(&null, "/bin/cat", &["/dev/zero"]);
    launch.cgroup = Some(cgroup.as_fd());
    let spawned = launch.spawn().unwrap();
    assert_eq!(cgroup.processes().unwrap(), [spawned.pid]);
    assert!(cgroup.populated().unwrap());
    assert_eq!(watch.read("populated").unwrap(), 1);

    cgroup.kill().unwrap();
    assert_eq!(
        until_ended(&spawned.pidfd),
        ProcessEnd::Signal {
            signal: 9,
            core: false
        }
    );
    while watch.read("populated").unwrap() == 1 {
        let mut fds = [PollFd::new(watch.as_fd(), PollFlags::POLLPRI)];
        poll(&mut fds, PollTimeout::NONE).unwrap();
    }
}

#[test]
fn a_refusal_of_the_kernel_names_the_value() {
    let Some(real) = Real::new("refused") else {
        return;
    };
    let error = real.cgroup().enable_controllers(&["nonsense"]).unwrap_err();
    assert!(matches!(
        &error,
        CgroupError::Io { action: Action::Write(value), .. } if value == "+nonsense"
    ));
    assert_eq!(error.errno(), Some(libc::EINVAL));
}

#[test]
fn an_old_handle_does_not_reach_a_new_cgroup_of_the_same_name() {
    let Some(real) = Real::new("renewed") else {
        return;
    };
    let old = real.cgroup();
    real.parent.remove_child(&real.name).unwrap();
    real.parent.create_child(&real.name).unwrap();
    assert!(old.add_process(0).is_err());
    assert!(real.cgroup().processes().unwrap().is_empty());
}
