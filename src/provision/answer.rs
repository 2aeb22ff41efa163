//! What a program says about itself, asked for a while and not for ever: one that waits for an
//! input, a lock or a file system that does not answer is ended.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// What a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It did as it was asked.
    Said(String),
    /// It ended with an error.
    Failed(String),
    /// It said nothing for too long.
    Late,
    /// There is no such program.
    Missing,
}

impl Answer {
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
pub fn within(patience: Duration, command: &mut Command) -> Answer {
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = started else {
        return Answer::Missing;
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (says, said) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        // These programs say a few lines, which fit into a pipe, so one after the other is enough.
        let mut text = String::new();
        let _unreadable = out.map(|mut out| out.read_to_string(&mut text));
        let _unreadable = err.map(|mut err| err.read_to_string(&mut text));
        // Whoever asked may have given up.
        let _late = says.send(text);
    });
    let Ok(text) = said.recv_timeout(patience) else {
        // It may have ended just now, which is as well.
        let _ended = child.kill();
        let _reaped = child.wait();
        return Answer::Late;
    };
    let text = text.trim().to_owned();
    match child.wait() {
        Ok(status) if status.success() => Answer::Said(text),
        _ => Answer::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let shell = |script| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).stderr(Stdio::null());
            within(Duration::from_secs(60), &mut command)
        };
        assert_eq!(shell("echo out; echo err >&2"), Answer::Said("out".into()));
        assert_eq!(shell("echo no; exit 2"), Answer::Failed("no".into()));
        let mut missing = Command::new("/nowhere/program");
        let missing = within(Duration::from_secs(60), &mut missing);
        assert_eq!(missing, Answer::Missing);
    }

    #[test]
    fn one_that_does_not_end_is_given_up_and_ended() {
        let mut command = Command::new("/bin/sleep");
        let late = within(Duration::from_millis(20), command.arg("600"));
        assert_eq!(late, Answer::Late);
    }
}
