//! What a person types without echo, and what comes from standard input in its place.

use std::{
    error::Error,
    io::{self, IsTerminal as _},
    os::fd::AsFd as _,
};

use nix::{
    errno::Errno,
    sys::{
        signal::{SigSet, Signal, raise},
        termios::{FlushArg, LocalFlags, SetArg, Termios, tcflush, tcgetattr, tcsetattr},
    },
    unistd,
};

use super::{
    context::tell,
    failure::{CommandExit, Failure},
    wait::{Signals, wait_for},
};

/// The signals that are held back during a question. If one of them ended or stopped the program then, the
/// terminal would go on hiding what is typed.
const TAKEN: [Signal; 5] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGTSTP,
];

/// Whether there is a person to ask.
pub(super) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// One line, typed without echo. `None` if the input has ended.
pub(super) fn hidden_line(question: &str) -> Result<Option<String>, Failure> {
    loop {
        let mut signals = Signals::take(&TAKEN)?;
        // The echo is switched off before the question is printed, so that nothing is shown if somebody
        // types at once.
        let hidden = Hidden::begin();
        tell(question);
        let typed = line_unless(&mut signals);
        drop(hidden);
        // Enter was not shown either, so the cursor is still in the line of the question.
        tell("\n");
        match typed? {
            Typed::Line(text) => return Ok(Some(text)),
            Typed::End => return Ok(None),
            Typed::Signal(Signal::SIGTSTP) => {
                drop(signals);
                stop();
            }
            Typed::Signal(signal) => return Err(Failure::AlreadyReported(CommandExit::by(signal))),
        }
    }
}

/// Whether there is more input than the line that was read, which is thrown away: what was pasted behind a line
/// would be commands for the shell.
pub(super) fn discard_more() -> Result<bool, Failure> {
    let terminal = io::stdin();
    let more = wait_for(&[terminal.as_fd()], Some(0))?[0];
    if more {
        // A terminal that is gone has nothing to throw away.
        let _gone = tcflush(&terminal, FlushArg::TCIFLUSH);
    }
    Ok(more)
}

/// Stops the process until the shell continues it. A shell without job control continues it at once.
fn stop() {
    // The parent process may have blocked the signal; then it would arrive only at the next wait.
    let _stopped = SigSet::from(Signal::SIGTSTP)
        .thread_unblock()
        .and_then(|()| raise(Signal::SIGTSTP));
}

/// A line without its end.
pub(super) fn without_end(line: &str) -> String {
    line.trim_end_matches(['\n', '\r']).to_owned()
}

/// The failure that what was to be typed cannot be read.
pub(super) fn unreadable(why: &dyn Error) -> Failure {
    Failure::new(CommandExit::Failed, "cannot read what is typed").cause(why.to_string())
}

/// What arrived at a question: a line or a signal.
enum Typed {
    Line(String),
    End,
    Signal(Signal),
}

/// A line from the terminal, unless a signal comes first.
///
/// Ctrl-D within a line makes the terminal hand over what was typed so far, without the end of the line. So
/// whenever the terminal is readable this reads once and takes what is there. It never blocks in a read,
/// where it would not notice a signal.
fn line_unless(signals: &mut Signals) -> Result<Typed, Failure> {
    let terminal = io::stdin();
    let mut typed = Vec::new();
    loop {
        let readable = wait_for(&[terminal.as_fd(), signals.fd()], None)?;
        if let Some(signal) = signals.next() {
            return Ok(Typed::Signal(signal));
        }
        if !readable[0] {
            continue;
        }
        // This does not use the buffer of standard input, which is empty: a terminal returns one line at a
        // time.
        let mut bytes = [0; 4096];
        let count = match unistd::read(&terminal, &mut bytes) {
            Ok(count) => count,
            Err(Errno::EINTR | Errno::EAGAIN) => continue,
            Err(errno) => return Err(unreadable(&errno)),
        };
        typed.extend_from_slice(&bytes[..count]);
        if count == 0 && typed.is_empty() {
            return Ok(Typed::End);
        }
        if count == 0 || typed.contains(&b'\n') {
            let text = str::from_utf8(&typed).map_err(|e| unreadable(&e))?;
            return Ok(Typed::Line(without_end(text)));
        }
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(Option<Termios>);

impl Hidden {
    fn begin() -> Self {
        let Ok(shown) = tcgetattr(io::stdin()) else {
            return Self(None);
        };
        let mut hidden = shown.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        let set = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &hidden);
        Self(set.is_ok().then_some(shown))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(shown) = &self.0 {
            // If the terminal is gone, there is no echo to restore.
            let _gone = tcsetattr(io::stdin(), SetArg::TCSANOW, shown);
        }
    }
}
