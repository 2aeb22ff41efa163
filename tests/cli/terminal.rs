//! A terminal with a person before it, who reads and types.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    process::{Child, Command, ExitStatus},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    pty::openpty,
    sys::{
        signal::{Signal, kill},
        termios::{LocalFlags, tcgetattr},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use crate::set_up::until;

/// So long nothing new may come, in milliseconds.
const PATIENCE: u16 = 30_000;

/// A program on a terminal of its own.
pub(crate) struct Terminal {
    screen: File,
    child: Child,
    seen: String,
    read: usize,
}

impl Terminal {
    /// Runs `command` on it.
    pub(crate) fn run(mut command: Command) -> Self {
        let pty = openpty(None, None).unwrap();
        let side = || pty.slave.try_clone().unwrap();
        command.stdin(side()).stdout(side()).stderr(side());
        // As a shell starts it: what has nobody in its session above its group is never stopped.
        command.process_group(0);
        let child = command.env("TERM", "dumb").spawn().unwrap();
        // The command holds the other side as well, and it has to be closed with the program.
        drop(command);
        Self {
            screen: File::from(pty.master),
            child,
            seen: String::new(),
            read: 0,
        }
    }

    /// Waits until the text is there, and returns all that came up to its end.
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen[self.read..].find(text) {
                let from = self.read;
                self.read += at + text.len();
                return self.seen[from..self.read].to_owned();
            }
            assert!(self.more(), "{text:?} did not come: {}", self.seen);
        }
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        self.screen.write_all(line.as_bytes()).unwrap();
        self.screen.write_all(b"\n").unwrap();
    }

    /// Types Ctrl-D, at the beginning of a line or after some of it.
    pub(crate) fn types_end(&mut self, after: &str) {
        self.screen.write_all(after.as_bytes()).unwrap();
        self.screen.write_all(b"\x04").unwrap();
    }

    /// Sends the program a signal, as the terminal would for Ctrl-C.
    pub(crate) fn signals(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Whether what is typed is shown.
    pub(crate) fn shows_what_is_typed(&self) -> bool {
        let settings = tcgetattr(&self.screen).unwrap();
        settings.local_flags.contains(LocalFlags::ECHO)
    }

    /// Waits for the program's end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        while self.more() {}
        self.child.wait().unwrap()
    }

    /// Waits until the program has stopped, as by Ctrl-Z.
    pub(crate) fn until_stopped(&self) {
        until("it stops", || {
            let flags = WaitPidFlag::WUNTRACED | WaitPidFlag::WNOHANG;
            let status = waitpid(self.pid(), Some(flags)).unwrap();
            matches!(status, WaitStatus::Stopped(..))
        });
    }

    /// How many bytes the program has read of files and of the terminal.
    pub(crate) fn has_read(&self) -> u64 {
        let counts = fs::read_to_string(format!("/proc/{}/io", self.pid())).unwrap();
        let count = counts.lines().find_map(|line| line.strip_prefix("rchar: "));
        count.unwrap().parse().unwrap()
    }

    /// Waits for the program's end, and returns its exit code and what came since it was last
    /// waited for.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        while self.more() {}
        let status = self.child.wait().unwrap();
        (status.code(), self.seen[self.read..].to_owned())
    }

    /// Whether more came before the program ended.
    fn more(&mut self) -> bool {
        let mut fds = [PollFd::new(self.screen.as_fd(), PollFlags::POLLIN)];
        let ready = loop {
            // The handler of a signal may interrupt it.
            match poll(&mut fds, PollTimeout::from(PATIENCE)) {
                Err(Errno::EINTR) => {}
                ready => break ready.unwrap(),
            }
        };
        assert!(ready > 0, "nothing came any more: {}", self.seen);
        let mut bytes = [0; 4096];
        // EIO: nobody has the other side any more.
        let count = self.screen.read(&mut bytes).unwrap_or(0);
        let text = String::from_utf8_lossy(&bytes[..count]).replace('\r', "");
        self.seen += &anstream::adapter::strip_str(&text).to_string();
        count > 0
    }
}
