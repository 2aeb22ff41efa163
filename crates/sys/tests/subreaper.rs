//! Orphans. One test alone in its process: it looks at all children there are.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;

use common::{null, shell, until_ended};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use sys::pidfd::{PidFd, ProcessEnd};
use sys::proc;
use sys::subreaper::{Ended, become_subreaper, peek, reap};

#[test]
fn an_orphan_is_handed_to_the_subreaper_and_reaped_once() {
    become_subreaper().unwrap();
    assert_eq!(peek().unwrap(), None);

    // The shell leaves behind a process that ends, with 5, when its input does.
    let null = null();
    let (input, hold) = pipe2(OFlag::O_CLOEXEC).unwrap();
    let (output, lines) = pipe2(OFlag::O_CLOEXEC).unwrap();
    let mut launch = shell(&null, "exec 3<&0; (read line <&3; exit 5) & echo $!");
    launch.stdio[0] = input.as_fd();
    launch.stdio[1] = lines.as_fd();
    let parent = launch.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(File::from(output))
        .read_line(&mut line)
        .unwrap();
    let pid = line.trim_end().parse().unwrap();

    assert_eq!(until_ended(&parent.pidfd), ProcessEnd::Code(0));
    let own = i32::try_from(std::process::id()).unwrap();
    assert_eq!(proc::stat(pid).unwrap().parent, own);
    assert_eq!(proc::children(own).unwrap(), [pid]);
    assert_eq!(proc::descendants(own, |_| true).unwrap(), [pid]);
    assert_eq!(reap(pid).unwrap(), None);

    let orphan = PidFd::open(pid).unwrap();
    drop(hold);
    orphan.until_ended().unwrap();

    let ended = Some(Ended {
        pid,
        exit: ProcessEnd::Code(5),
    });
    assert_eq!(peek().unwrap(), ended);
    assert_eq!(peek().unwrap(), ended, "looking must not reap");
    assert_eq!(reap(pid).unwrap(), Some(ProcessEnd::Code(5)));
    assert_eq!(reap(pid).unwrap_err().raw_os_error(), Some(libc::ECHILD));
    assert_eq!(peek().unwrap(), None);
}
