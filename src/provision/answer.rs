//! What a program says about itself, asked for a while and not for ever: one that waits for an
//! input, a lock or another program is ended, together with what it has started.
//!
//! Starting it has no deadline: a program on a file system that does not answer is waited for.

use std::{
    io,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::{
        signal::{SigSet, SigmaskHow, Signal, killpg},
        signalfd::{SfdFlags, SignalFd},
    },
    unistd::Pid,
};
use sys::pidfd::PidFd;

use super::{
    command::{Stream, Tail, wait_for},
    progress::now,
};

/// From one look to the next where nothing tells of a change: a kernel without pidfds.
const TICK: Duration = Duration::from_millis(100);

/// A killed process ends at once, unless it waits for a file system that does not answer.
const ENDING: Duration = Duration::from_secs(1);

/// What a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramAnswer {
    /// It did as it was asked, and said this.
    Said(String),
    /// It ended with an error, and said this.
    Failed(String),
    /// It said nothing for too long, or a signal has come that asks us to end.
    Late,
    /// There is no such program.
    Missing,
}

impl ProgramAnswer {
    /// What it said, if that was an answer.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Said(text) => Some(text),
            Self::Failed(_) | Self::Late | Self::Missing => None,
        }
    }
}

/// Runs it and returns what it says on standard output, and on standard error if `command` has a
/// pipe there.
///
/// A signal that asks us to end ends it early. That signal stays pending, so that it does afterwards
/// what it would have done without this: it ends us, or is read by whoever has blocked it.
pub fn within(patience: Duration, command: &mut Command) -> ProgramAnswer {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    // In a group of its own, which can be ended as a whole.
    let Ok(child) = command.process_group(0).spawn() else {
        return ProgramAnswer::Missing;
    };
    let mut asked = Running::new(child);
    // Its group does not get a terminal's Ctrl-C: while it runs, we end it before ourselves.
    let held = Held::begin();
    let answer = match &held {
        Ok(held) => asked.answer(patience, held),
        Err(_) => Ok(None),
    };
    if !matches!(answer, Ok(Some(_))) {
        asked.end();
    }
    drop(held);
    match answer {
        Ok(Some((status, text))) if status.success() => ProgramAnswer::Said(text),
        Ok(Some((_, text))) => ProgramAnswer::Failed(text),
        Ok(None) | Err(_) => ProgramAnswer::Late,
    }
}

struct Running {
    child: Child,
    /// It is `None` where the kernel has no pidfds.
    pidfd: Option<PidFd>,
}

impl Running {
    fn new(child: Child) -> Self {
        let pidfd = PidFd::open(child.id().cast_signed()).ok();
        Self { child, pidfd }
    }

    /// How it ended and what it said, or `None` where it did not end in time.
    fn answer(
        &mut self,
        patience: Duration,
        held: &Held,
    ) -> io::Result<Option<(ExitStatus, String)>> {
        let out = self.child.stdout.take().map(OwnedFd::from);
        let err = self.child.stderr.take().map(OwnedFd::from);
        let streams = [out, err].into_iter().flatten().map(Stream::new);
        let mut streams = streams.collect::<io::Result<Vec<_>>>()?;
        let began = now();
        loop {
            let ended = self.child.try_wait()?;
            // After that look, so that all is read that it said before its end. What it has started
            // may keep a pipe open, and is not waited for.
            for stream in &mut streams {
                stream.read(&mut Tail::default(), &mut |_| {});
            }
            if let Some(status) = ended {
                let said: Vec<u8> = streams.into_iter().flat_map(|stream| stream.all).collect();
                let said = String::from_utf8_lossy(&said).trim().to_owned();
                return Ok(Some((status, said)));
            }
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() || held.has_come()? {
                return Ok(None);
            }
            let mut fds = vec![held.fd.as_fd()];
            fds.extend(self.fd());
            let open = streams.iter().filter(|stream| stream.open);
            fds.extend(open.map(|stream| stream.pipe.as_fd()));
            wait_for(&fds, left.min(TICK))?;
        }
    }

    /// Kills it and what it has started.
    fn end(&mut self) {
        // It was not reaped, so its number is still its own.
        let group = Pid::from_raw(self.child.id().cast_signed());
        let _ended = killpg(group, Signal::SIGKILL);
        let began = now();
        while began.elapsed() < ENDING {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            let fds: Vec<_> = self.fd().into_iter().collect();
            let _waited = wait_for(&fds, TICK);
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(PidFd::as_fd)
    }
}

/// The signals that ask us to end, which wait while this is there.
struct Held {
    fd: SignalFd,
    before: SigSet,
}

impl Held {
    fn begin() -> io::Result<Self> {
        let signals = [
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGQUIT,
        ];
        let set = SigSet::from_iter(signals);
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC)?;
        let before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { fd, before })
    }

    /// Whether one of them has come. It is not read, and so it is not lost.
    fn has_come(&self) -> io::Result<bool> {
        Ok(wait_for(&[self.fd.as_fd()], Duration::ZERO)?)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _restored = self.before.thread_set_mask();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::interrupt::Interrupts;

    #[test]
    fn answers_are_told_apart() {
        let shell = |script| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).stderr(Stdio::null());
            within(Duration::from_secs(60), &mut command)
        };
        assert_eq!(
            shell("echo out; echo err >&2"),
            ProgramAnswer::Said("out".into())
        );
        assert_eq!(shell("echo no; exit 2"), ProgramAnswer::Failed("no".into()));
        let mut missing = Command::new("/nowhere/program");
        let missing = within(Duration::from_secs(60), &mut missing);
        assert_eq!(missing, ProgramAnswer::Missing);
    }

    /// Whether the process ends; a kill takes a moment.
    fn ends(pid: i32) -> bool {
        PidFd::open(pid).map_or(true, |process| {
            wait_for(&[process.as_fd()], Duration::from_secs(10)).unwrap()
        })
    }

    /// Asks a shell for so long that it has written a process's number, and returns that.
    fn given_up(script: &str) -> i32 {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        for seconds in [1, 5, 25] {
            let mut command = Command::new("/bin/sh");
            let command = command.args(["-c", script]).env("NUMBER", &file);
            let answer = within(Duration::from_secs(seconds), command);
            assert_eq!(answer, ProgramAnswer::Late, "{script}");
            let written = std::fs::read_to_string(&file).unwrap_or_default();
            if let Some(number) = written.strip_suffix('\n') {
                return number.parse().unwrap();
            }
        }
        panic!("it was not even begun: {script}");
    }

    #[test]
    fn one_that_does_not_end_is_given_up_and_ended() {
        assert!(ends(given_up("echo $$ >\"$NUMBER\"; exec sleep 600")));
    }

    #[test]
    fn what_a_wrapper_waits_for_is_ended_with_it() {
        let script = "sleep 600 & echo $! >\"$NUMBER\"; wait";
        assert!(ends(given_up(script)));
    }

    #[test]
    fn one_that_closes_its_output_and_does_not_end_is_given_up_too() {
        let script = "echo $$ >\"$NUMBER\"; exec sleep 600 >&- 2>&-";
        assert!(ends(given_up(script)));
    }

    #[test]
    fn what_a_program_leaves_running_is_not_waited_for() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 600 & echo $!"]);
        let answer = within(Duration::from_secs(60), &mut command);
        let ProgramAnswer::Said(number) = answer else {
            panic!("{answer:?}");
        };
        let left = Pid::from_raw(number.parse().unwrap());
        nix::sys::signal::kill(left, Signal::SIGKILL).unwrap();
    }

    #[test]
    fn a_signal_that_asks_for_an_end_ends_the_program_and_is_not_lost() {
        let mut interrupts = Interrupts::catch().unwrap();
        nix::sys::signal::raise(Signal::SIGTERM).unwrap();
        let began = now();
        let answer = within(Duration::from_secs(60), Command::new("sleep").arg("600"));
        assert_eq!(answer, ProgramAnswer::Late);
        assert!(began.elapsed() < Duration::from_secs(30));
        assert_eq!(interrupts.seen(), Some(Signal::SIGTERM));
    }
}
