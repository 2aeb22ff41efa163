//! Programs that are asked about themselves, each for a few seconds at most.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use crate::provision::answer;
pub use crate::provision::answer::ProgramAnswer;

/// Longer than a resolver that waits for its second server.
const PATIENCE: Duration = Duration::from_secs(8);

/// Runs a program by its name or path. What it says on standard error counts as well, because some tell what is wrong
/// there.
pub fn ask(program: &str, arguments: &[&str]) -> ProgramAnswer {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .stderr(Stdio::piped());
    answer::within(PATIENCE, &mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let shell = |script| ask("/bin/sh", &["-c", script]);
        assert_eq!(
            shell("echo out; echo err >&2"),
            ProgramAnswer::Said("out\nerr".into())
        );
        assert_eq!(shell("echo no; exit 2"), ProgramAnswer::Failed("no".into()));
        assert_eq!(ask("/nowhere/program", &[]), ProgramAnswer::Missing);
    }
}
