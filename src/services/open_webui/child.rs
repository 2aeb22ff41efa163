//! Runs a program that gets its input from us and answers on its output.

use std::{
    io::{self, Write as _},
    process::{Command, Output, Stdio},
    thread,
};

/// Writes `input` to the program's standard input, and returns what it says until it ends.
///
/// A program that ends without reading all of its input is no error of ours: its exit status and its
/// standard error say why.
pub(super) fn run(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut pipe = child.stdin.take().expect("the pipe was asked for");
    // A pipe holds 64 kB. A program that answers while it reads would wait for us to read, and we
    // for it: the input has a thread of its own.
    thread::scope(|scope| {
        let writer = scope.spawn(move || pipe.write_all(input));
        let output = child.wait_with_output()?;
        match writer.join().expect("it only writes") {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(e),
            Ok(()) | Err(_) => Ok(output),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, input: &[u8]) -> io::Result<Output> {
        run(Command::new("/bin/sh").args(["-c", script]), input)
    }

    #[test]
    fn an_input_and_an_answer_may_be_longer_than_a_pipe() {
        let input = vec![b'x'; 1 << 20];
        assert_eq!(shell("cat", &input).unwrap().stdout, input);
    }

    #[test]
    fn a_program_that_does_not_read_its_input_says_itself_what_is_wrong() {
        let input = vec![b'x'; 1 << 20];
        let output = shell("echo no >&2; exit 3", &input).unwrap();
        assert_eq!(
            (output.status.code(), output.stderr),
            (Some(3), b"no\n".to_vec())
        );
    }

    #[test]
    fn a_program_that_is_missing_is_an_error() {
        let error = run(&mut Command::new("/nonexistent"), b"").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
