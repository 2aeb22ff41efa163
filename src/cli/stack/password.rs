//! A password that a person chooses: typed without echo, from standard input, or made up.

use std::{
    error::Error,
    io::{self, BufRead as _, IsTerminal as _},
    os::fd::AsFd as _,
};

use nix::{
    errno::Errno,
    sys::{
        signal::{SigSet, Signal, raise},
        termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr},
    },
    unistd,
};

use crate::cli::{
    context::tell,
    failure::{CommandExit, Failure},
    wait::{Signals, wait_for},
};
use crate::{secrets::Secret, services::open_webui};

/// bcrypt, with which Open WebUI hashes passwords, ignores everything after this many bytes.
const MOST_BYTES: usize = 72;

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
pub(in crate::cli) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The first line of standard input.
///
/// # Errors
/// There is none, or it cannot be a password.
pub(in crate::cli) fn from_standard_input() -> Result<Secret, Failure> {
    let text = line()?.ok_or_else(|| no_password("standard input is empty"))?;
    checked(text).map_err(no_password)
}

/// Makes a random password.
///
/// # Errors
/// The operating system has no random numbers.
pub(in crate::cli) fn generated() -> Result<Secret, Failure> {
    Secret::generate(open_webui::ADMIN_PASSWORD).map_err(|e| Failure::of(CommandExit::Failed, &e))
}

/// Asks for a password twice, without echo. `None` if only Enter was typed.
///
/// # Errors
/// The input ended.
pub(in crate::cli) fn asked(question: &str) -> Result<Option<Secret>, Failure> {
    loop {
        let Some(first) = typed(question)? else {
            return Ok(None);
        };
        let second = typed("Again: ")?;
        if second.is_some_and(|second| second == first) {
            return Ok(Some(first));
        }
        tell("The two are not the same.\n");
    }
}

fn typed(question: &str) -> Result<Option<Secret>, Failure> {
    loop {
        let text = hidden_line(question)?
            .ok_or_else(|| Failure::new(CommandExit::Failed, "nothing was done"))?;
        if text.is_empty() {
            return Ok(None);
        }
        match checked(text) {
            Ok(password) => return Ok(Some(password)),
            Err(wrong) => tell(format!("That cannot be a password: {wrong}.\n")),
        }
    }
}

/// One line, typed without echo. `None` if the input has ended.
fn hidden_line(question: &str) -> Result<Option<String>, Failure> {
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

/// Stops the process until the shell continues it. A shell without job control continues it at once.
fn stop() {
    // The parent process may have blocked the signal; then it would arrive only at the next wait.
    let _stopped = SigSet::from(Signal::SIGTSTP)
        .thread_unblock()
        .and_then(|()| raise(Signal::SIGTSTP));
}

fn no_password(why: impl Into<String>) -> Failure {
    Failure::new(CommandExit::Usage, "there is no password that can be used").cause(why)
}

fn checked(text: String) -> Result<Secret, String> {
    if text.is_empty() {
        Err("it is empty".to_owned())
    } else if text.len() > MOST_BYTES {
        Err(format!("it has more than {MOST_BYTES} bytes"))
    } else if text.contains(char::is_control) {
        Err("it has characters that cannot be typed in a browser".to_owned())
    } else {
        Ok(Secret::chosen(text))
    }
}

/// One line without its end. `None` if the input has ended.
fn line() -> Result<Option<String>, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().read_line(&mut text);
    let read = read.map_err(|e| unreadable(&e))?;
    Ok((read > 0).then(|| without_end(&text)))
}

fn without_end(line: &str) -> String {
    line.trim_end_matches(['\n', '\r']).to_owned()
}

fn unreadable(why: &dyn Error) -> Failure {
    Failure::new(CommandExit::Failed, "cannot read the password").cause(why.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_open_webui_would_cut_off_or_a_browser_cannot_type_is_no_password() {
        let wrong = |text: &str| checked(text.to_owned()).err();
        assert_eq!(wrong("a long pass phrase"), None);
        assert_eq!(wrong(&"x".repeat(72)), None);
        assert_eq!(wrong("").as_deref(), Some("it is empty"));
        // Bytes, not letters.
        let long = wrong(&"ä".repeat(37));
        assert_eq!(long.as_deref(), Some("it has more than 72 bytes"));
        assert!(wrong("a\u{1b}[A").is_some());
    }
}
