//! Launching real processes.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;
use std::os::fd::AsFd;

use common::{c, launch, null, output_of, shell, until_ended};
use sys::pidfd::{PidFd, ProcessEnd};
use sys::spawn::{Group, LaunchStep};

#[test]
fn the_exit_code_is_seen() {
    let null = null();
    let spawned = shell(&null, "exit 7").spawn().unwrap();
    assert_eq!(until_ended(&spawned.pidfd), ProcessEnd::Code(7));
}

#[test]
fn the_signal_that_ended_it_is_seen() {
    let null = null();
    let spawned = shell(&null, "ulimit -c 0; kill -TERM $$").spawn().unwrap();
    let exit = until_ended(&spawned.pidfd);
    assert_eq!(
        exit,
        ProcessEnd::Signal {
            signal: libc::SIGTERM,
            core: false
        }
    );
}

#[test]
fn a_real_time_signal_is_seen_too() {
    let null = null();
    let spawned = launch(&null, "/bin/cat", &["/dev/zero"]).spawn().unwrap();
    spawned.pidfd.send_signal(40).unwrap();
    assert_eq!(
        until_ended(&spawned.pidfd),
        ProcessEnd::Signal {
            signal: 40,
            core: false
        }
    );
}

#[test]
fn killing_and_waiting_works_while_it_runs() {
    let null = null();
    let spawned = launch(&null, "/bin/cat", &["/dev/zero"]).spawn().unwrap();
    assert_eq!(spawned.pidfd.try_wait().unwrap(), None);
    spawned.pidfd.send_signal(libc::SIGKILL).unwrap();
    let exit = until_ended(&spawned.pidfd);
    assert_eq!(
        exit,
        ProcessEnd::Signal {
            signal: libc::SIGKILL,
            core: false
        }
    );
}

#[test]
fn a_second_wait_says_that_there_is_no_child() {
    let null = null();
    let spawned = shell(&null, "exit 0").spawn().unwrap();
    until_ended(&spawned.pidfd);
    let again = spawned.pidfd.try_wait().unwrap_err();
    assert_eq!(again.raw_os_error(), Some(libc::ECHILD));
    let signalled = spawned.pidfd.send_signal(libc::SIGTERM).unwrap_err();
    assert_eq!(signalled.raw_os_error(), Some(libc::ESRCH));
}

#[test]
fn a_handle_opened_by_pid_is_on_the_same_process() {
    let null = null();
    let spawned = shell(&null, "exit 3").spawn().unwrap();
    let opened = PidFd::open(spawned.pid).unwrap();
    assert_eq!(until_ended(&opened), ProcessEnd::Code(3));
}

#[test]
fn a_missing_program_fails_at_exec_with_enoent() {
    let null = null();
    let error = launch(&null, "/nonexistent/program", &[])
        .spawn()
        .unwrap_err();
    assert_eq!(error.step, LaunchStep::Exec);
    assert_eq!(error.source.raw_os_error(), Some(libc::ENOENT));
    assert_eq!(
        error.to_string(),
        "cannot launch /nonexistent/program: failed to execute"
    );
}

#[test]
fn a_missing_working_directory_fails_at_chdir() {
    let null = null();
    let mut launch = shell(&null, "exit 0");
    launch.cwd = Some(c("/nonexistent"));
    let error = launch.spawn().unwrap_err();
    assert_eq!(
        (error.step, error.source.raw_os_error()),
        (LaunchStep::Chdir, Some(libc::ENOENT))
    );
}

#[test]
fn a_limit_that_cannot_be_set_fails_at_open_files() {
    let null = null();
    let mut launch = shell(&null, "exit 0");
    launch.open_files = Some((2, 1));
    let error = launch.spawn().unwrap_err();
    assert_eq!(
        (error.step, error.source.raw_os_error()),
        (LaunchStep::OpenFiles, Some(libc::EINVAL))
    );
}

#[test]
fn a_cgroup_that_is_none_fails_at_clone() {
    let null = null();
    let folder = tempfile::tempdir().unwrap();
    let folder = std::fs::File::open(folder.path()).unwrap();
    let mut launch = shell(&null, "exit 0");
    launch.cgroup = Some(folder.as_fd());
    let error = launch.spawn().unwrap_err();
    assert_eq!(
        (error.step, error.source.raw_os_error()),
        (LaunchStep::Clone, Some(libc::EBADF))
    );
}

#[test]
fn the_environment_is_exactly_what_was_given() {
    let null = null();
    let mut launch = launch(&null, "/usr/bin/env", &[]);
    launch.env = vec![c("ONE=1"), c("TWO=a b")];
    assert_eq!(output_of(launch), "ONE=1\nTWO=a b\n");
}

#[test]
fn the_working_directory_is_the_one_given() {
    let null = null();
    let mut launch = launch(&null, "/bin/pwd", &[]);
    launch.cwd = Some(c("/usr"));
    assert_eq!(output_of(launch), "/usr\n");
}

#[test]
fn no_descriptor_but_the_first_three_is_inherited() {
    let null = null();
    let leaky = nix::unistd::dup(&null).unwrap();
    let listing = output_of(launch(&null, "/bin/ls", &["/proc/self/fd"]));
    drop(leaky);
    // The fourth is the directory that is being listed.
    assert_eq!(listing, "0\n1\n2\n3\n");
}

#[test]
fn standard_input_is_the_one_given() {
    let null = null();
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    let mut launch = launch(&null, "/bin/cat", &[]);
    launch.stdio[0] = read.as_fd();
    std::fs::File::from(write).write_all(b"hello").unwrap();
    assert_eq!(output_of(launch), "hello");
}

#[test]
fn it_leads_a_group_or_a_session_of_its_own() {
    let null = null();
    // Of /proc/self/stat: pid, group and session.
    let of = |group| {
        let mut launch = launch(&null, "/bin/cat", &["/proc/self/stat"]);
        launch.group = group;
        let stat = output_of(launch);
        let field = |n| stat.split(' ').nth(n).unwrap().to_owned();
        (field(0), field(4), field(5))
    };
    let (pid, group, session) = of(Group::Process);
    assert!(pid == group && pid != session);
    let (pid, group, session) = of(Group::Session);
    assert!(pid == group && pid == session);
    let (pid, group, _) = of(Group::Inherit);
    assert_ne!(pid, group);
}

#[test]
fn signals_privileges_and_limits_are_set() {
    let null = null();
    let mut launch = launch(
        &null,
        "/bin/cat",
        &["/proc/self/status", "/proc/self/limits"],
    );
    launch.no_new_privs = true;
    launch.open_files = Some((33, 44));
    launch.death_signal = Some(nix::sys::signal::Signal::SIGKILL);
    let text = output_of(launch);
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..]
            .split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(field("NoNewPrivs:"), "1");
    assert_eq!(field("Max open files"), "33 44");
    assert_eq!(field("SigBlk:"), "0000000000000000");
    // Rust ignores SIGPIPE; the program must not inherit that.
    assert_eq!(field("SigIgn:"), "0000000000000000");
}

#[test]
fn what_a_child_does_to_its_descriptors_is_not_seen_here() {
    let null = null();
    let (read, write) = nix::unistd::pipe().unwrap();
    let mut launch = shell(&null, "exec <&- >&- 2>&-; exit 0");
    launch.stdio = [read.as_fd(), write.as_fd(), write.as_fd()];
    let ours = || {
        let link = |fd: &dyn std::os::fd::AsRawFd| {
            std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap()
        };
        [
            link(&std::io::stdin()),
            link(&std::io::stdout()),
            link(&std::io::stderr()),
            link(&read),
            link(&write),
        ]
    };
    let before = ours();
    let spawned = launch.spawn().unwrap();
    assert_eq!(until_ended(&spawned.pidfd), ProcessEnd::Code(0));
    launch.program = c("/nonexistent/program");
    launch.spawn().unwrap_err();
    assert_eq!(ours(), before);
}

#[test]
fn nobody_here_keeps_what_a_child_writes_to() {
    let null = null();
    let (read, write) = nix::unistd::pipe().unwrap();
    let mut launch = shell(&null, "exit 0");
    launch.stdio[1] = write.as_fd();
    let spawned = launch.spawn().unwrap();
    assert_eq!(until_ended(&spawned.pidfd), ProcessEnd::Code(0));
    drop(write);
    // Would wait for ever if a copy were left.
    let mut rest = [0];
    assert_eq!(nix::unistd::read(&read, &mut rest), Ok(0));
}

#[test]
fn what_is_handed_over_is_found_from_three_on_and_nothing_else() {
    let null = null();
    let files: Vec<_> = ["/etc/hostname", "/etc/passwd", "/etc/group"]
        .map(|path| std::fs::File::open(path).unwrap())
        .into();
    let leaky = nix::unistd::dup(&null).unwrap();
    let mut launch = launch(&null, "/bin/ls", &["-l", "/proc/self/fd"]);
    launch.handed = files.iter().map(AsFd::as_fd).collect();
    let listing = output_of(launch);
    drop(leaky);
    let at = |number: &str| {
        let found = listing
            .lines()
            .find_map(|line| line.split_once(&format!(" {number} -> ")));
        found.map(|(_, path)| path.to_owned())
    };
    assert_eq!(at("3").as_deref(), Some("/etc/hostname"), "{listing}");
    assert_eq!(at("4").as_deref(), Some("/etc/passwd"), "{listing}");
    assert_eq!(at("5").as_deref(), Some("/etc/group"), "{listing}");
    // The seventh is the directory that is being listed.
    assert!(
        at("6").is_some_and(|path| path.starts_with("/proc/")),
        "{listing}"
    );
    assert_eq!(at("7"), None, "{listing}");
}

/// Each descriptor has a place below the targets of the others, wherever the numbers fall.
#[test]
fn descriptors_arrive_in_order_whatever_their_numbers_here() {
    let null = null();
    let (mut read, mut write) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        let (r, w) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        read.push(r);
        write.push(w);
    }
    for (number, pipe) in write.drain(..).enumerate() {
        writeln!(std::fs::File::from(pipe), "{number}").unwrap();
    }
    // Backwards, so that numbers and places cross.
    let mut launch = shell(
        &null,
        "for n in 3 4 5 6 7 8 9; do cat <&$n; done; cat /proc/self/fd/14",
    );
    launch.handed = read.iter().rev().map(AsFd::as_fd).collect();
    assert_eq!(output_of(launch), "11\n10\n9\n8\n7\n6\n5\n0\n");
}

#[test]
fn more_than_there_are_places_for_are_refused() {
    let null = null();
    let mut launch = shell(&null, "exit 0");
    launch.handed = vec![null.as_fd(); 13];
    let error = launch.spawn().unwrap_err();
    assert_eq!(
        (error.step, error.source.raw_os_error()),
        (LaunchStep::Prepare, Some(libc::EMFILE))
    );
}

/// The daemon keeps a socket that it has handed over, with the flag that keeps it from others.
#[test]
fn a_socket_that_was_handed_over_stays_ours_and_goes_to_nobody_else() {
    let null = null();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut first = launch(&null, "/bin/ls", &["/proc/self/fd"]);
    first.handed = vec![socket.as_fd()];
    assert_eq!(output_of(first), "0\n1\n2\n3\n4\n");
    let second = launch(&null, "/bin/ls", &["/proc/self/fd"]);
    assert_eq!(output_of(second), "0\n1\n2\n3\n");
    std::net::TcpStream::connect(socket.local_addr().unwrap()).unwrap();
}
