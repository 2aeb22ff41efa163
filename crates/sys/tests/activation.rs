//! A process that is given listening sockets knows its own number, as sd_listen_fds(3) wants it.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread;

use common::{c, launch, null, output_of, shell, until_ended};
use sys::pidfd::ProcessEnd;

const SCRIPT: &str = "echo $$ $LISTEN_PID; exec env";

/// The number that the process has, the one that it was told, and its whole environment after an exec.
fn told(before: &[&str]) -> (String, String, Vec<String>) {
    let null = null();
    let mut launch = shell(&null, SCRIPT);
    launch.env = before.iter().map(|text| c(text)).collect();
    launch.pid_variable = Some(c"LISTEN_PID");
    let output = output_of(launch);
    let mut lines = output.lines();
    let (own, told) = lines.next().unwrap().split_once(' ').unwrap();
    let lines = lines.filter(|line| !line.starts_with("PWD=") && !line.starts_with('_'));
    let mut environment: Vec<_> = lines.map(str::to_owned).collect();
    environment.sort();
    (own.to_owned(), told.to_owned(), environment)
}

#[test]
fn it_is_told_its_own_number_beside_the_rest_of_its_environment() {
    let (own, told, environment) = told(&["LISTEN_FDS=2", "ONE=1"]);
    assert_eq!(own, told);
    let number = format!("LISTEN_PID={own}");
    assert_eq!(
        environment
            .iter()
            .filter(|line| !line.starts_with("SHLVL") && !line.starts_with("OLDPWD"))
            .collect::<Vec<_>>(),
        ["LISTEN_FDS=2", &number, "ONE=1"]
    );
}

#[test]
fn the_next_one_is_told_another_number_and_without_the_wish_there_is_none() {
    let (first, second) = (told(&[]), told(&[]));
    assert_ne!(first.1, second.1);
    let null = null();
    assert_eq!(output_of(launch(&null, "/usr/bin/env", &[])), "");
}

/// Each launch has bytes of its own.
#[test]
fn launches_at_the_same_time_do_not_mix_their_numbers() {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let (own, told, _) = told(&[]);
                        assert_eq!(own, told);
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_launch_that_fails_after_the_number_was_written_is_told_as_ever() {
    let null = null();
    let mut launch = launch(&null, "/nonexistent/program", &[]);
    launch.pid_variable = Some(c"LISTEN_PID");
    let error = launch.spawn().unwrap_err();
    assert_eq!(error.source.raw_os_error(), Some(libc::ENOENT));
}

/// By the protocol as it is written down, in a program that is none of ours.
#[test]
fn another_program_finds_its_sockets_by_the_protocol() {
    const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/activated.py");
    let null = null();
    let sockets = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let mut launch = launch(&null, "/usr/bin/python3", &["-B", PROGRAM]);
    launch.env = vec![c("LISTEN_FDS=3")];
    launch.pid_variable = Some(c"LISTEN_PID");
    launch.handed = sockets.iter().map(AsFd::as_fd).collect();
    let spawned = launch.spawn().unwrap();
    for (socket, number) in sockets.iter().zip(3..) {
        let mut said = String::new();
        let mut client = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
        client.read_to_string(&mut said).unwrap();
        assert_eq!(said, number.to_string());
    }
    assert_eq!(until_ended(&spawned.pidfd), ProcessEnd::Code(0));
}
