//! What the tests of launching share.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use sys::pidfd::{PidFd, ProcessEnd};
use sys::spawn::{Group, Launch, Spawned};

pub fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

pub fn null() -> File {
    File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .unwrap()
}

pub fn launch<'a>(null: &'a File, program: &str, args: &[&str]) -> Launch<'a> {
    let argv = std::iter::once(program)
        .chain(args.iter().copied())
        .map(c)
        .collect();
    Launch {
        program: c(program),
        argv,
        env: Vec::new(),
        pid_variable: None,
        cwd: None,
        stdio: [null.as_fd(); 3],
        handed: Vec::new(),
        cgroup: None,
        group: Group::Process,
        open_files: None,
        no_new_privs: false,
        death_signal: None,
    }
}

pub fn shell<'a>(null: &'a File, script: &str) -> Launch<'a> {
    launch(null, "/bin/sh", &["-c", script])
}

/// Blocks until the handle says that the process has ended.
pub fn until_ended(pidfd: &PidFd) -> ProcessEnd {
    pidfd.until_ended().unwrap();
    pidfd
        .try_wait()
        .unwrap()
        .expect("a readable pidfd is a process that has ended")
}

/// Runs to the end and gives what was written to standard output.
pub fn output_of(launch: Launch<'_>) -> String {
    let (read, write) = nix::unistd::pipe().unwrap();
    let spawned = with_output(launch, &write);
    drop(write);
    let mut text = String::new();
    File::from(read).read_to_string(&mut text).unwrap();
    assert_eq!(until_ended(&spawned.pidfd), ProcessEnd::Code(0));
    text
}

fn with_output<'a>(mut launch: Launch<'a>, output: &'a OwnedFd) -> Spawned {
    launch.stdio[1] = output.as_fd();
    launch.spawn().unwrap()
}
