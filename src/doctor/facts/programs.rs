//! Programs that are asked, each for a few seconds at most.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// Longer than a resolver that waits for its second server.
const PATIENCE: Duration = Duration::from_secs(8);

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

/// Runs a program by its name or path. What it says on standard error counts as well: nginx tells
/// its version there.
pub fn ask(program: &str, arguments: &[&str]) -> Answer {
    let started = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
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
    let Ok(text) = said.recv_timeout(PATIENCE) else {
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
        let shell = |script| ask("/bin/sh", &["-c", script]);
        assert_eq!(
            shell("echo out; echo err >&2"),
            Answer::Said("out\nerr".into())
        );
        assert_eq!(shell("echo no; exit 2"), Answer::Failed("no".into()));
        assert_eq!(ask("/nowhere/program", &[]), Answer::Missing);
    }
}
