//! Starting a daemon in the background: in a session of its own, without anything of the terminal.

use std::{
    ffi::CString,
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::{ffi::OsStrExt as _, fs::DirBuilderExt as _, fs::OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use sys::{
    pidfd::{PidFd, ProcessEnd as ProcessExit},
    spawn::{Group, Launch},
};

use super::{
    context::Context,
    failure::{CommandExit, Failure},
    interrupted, root,
    wait::{Signals, wait_for},
};
use crate::{control::client::ClientError, fs::regular, identity, lock::Holder};

/// The pause between two attempts to connect. Only `start` waits in this way, for the short time until the
/// daemon listens.
const ATTEMPT_MS: u16 = 20;

/// How many of its last lines are shown if the daemon died.
const LAST_LINES: usize = 10;

/// Starts a daemon and returns when it listens. `warned` is what was printed already: a daemon that dies
/// would say it again.
///
/// # Errors
/// It cannot be started, it died, or somebody pressed Ctrl-C.
pub(super) fn daemon(
    context: &Context,
    warned: &[String],
    signals: &mut Signals,
) -> Result<(), Failure> {
    loop {
        // Another command is about to start the daemon; one daemon is enough for both.
        if let Some(other) = Holder::find(&context.paths.state).and_then(|other| other.open()) {
            if until_it_listens(context, other.as_fd(), signals)? {
                return Ok(());
            }
            continue;
        }
        root::refuse(context, "start")?;
        let child = launch(context).map_err(|e| {
            Failure::new(CommandExit::Failed, "cannot start the daemon").cause(e.to_string())
        })?;
        if until_it_listens(context, child.as_fd(), signals)? {
            return Ok(());
        }
        let failure = ended(&child);
        // Another daemon was quicker, and ours ends.
        if Holder::find(&context.paths.state).is_none() {
            return Err(died(context, warned, failure));
        }
    }
}

/// Waits until the daemon listens. Returns false if `ends` became readable before.
///
/// # Errors
/// The daemon refuses us, or somebody pressed Ctrl-C.
pub(super) fn until_it_listens(
    context: &Context,
    ends: BorrowedFd<'_>,
    signals: &mut Signals,
) -> Result<bool, Failure> {
    loop {
        let readable = wait_for(&[ends, signals.fd()], Some(ATTEMPT_MS))?;
        if readable[1] {
            signals.check(interrupted::STARTING)?;
        }
        if readable[0] {
            return Ok(false);
        }
        match context.connect() {
            Ok(_) => return Ok(true),
            Err(ClientError::NotRunning { .. } | ClientError::Starting { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
}

fn launch(context: &Context) -> io::Result<PidFd> {
    let nothing = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    let words = words_file(context)?;
    let program = text(std::env::current_exe()?.as_os_str().as_bytes())?;
    let env = std::env::vars_os()
        // The command may run inside a service of a gateway; the new daemon must not be taken for that
        // service's process.
        .filter(|(name, _)| name != identity::VARIABLE)
        .map(|(name, value)| text(&[name.as_bytes(), b"=", value.as_bytes()].concat()))
        .collect::<io::Result<_>>()?;
    let launch = Launch {
        program,
        argv: vec![c"ai-gateway".into(), c"run".into()],
        env,
        pid_variable: None,
        cwd: Some(c"/".into()),
        stdio: [nothing.as_fd(), nothing.as_fd(), words.as_fd()],
        handed: Vec::new(),
        cgroup: None,
        group: Group::Session,
        open_files: None,
        no_new_privs: false,
        death_signal: None,
    };
    Ok(launch.spawn().map_err(io::Error::other)?.pidfd)
}

fn text(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(io::Error::from)
}

/// The file with what a daemon prints before it has a log, and when it crashes.
fn words_path(context: &Context) -> PathBuf {
    context.paths.logs().join("last-words")
}

fn words_file(context: &Context) -> io::Result<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(context.paths.logs())?;
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    let file = regular::open_as(&words_path(context), &mut options)?;
    file.set_len(0).map(|()| file)
}

fn ended(child: &PidFd) -> Failure {
    let how = match child.try_wait() {
        Ok(Some(ProcessExit::Code(code))) => return with_code(code),
        Ok(Some(ProcessExit::Signal { signal, .. })) => format!("it was ended by signal {signal}"),
        Ok(None) | Err(_) => "nobody knows how it ended".to_owned(),
    };
    Failure::new(CommandExit::Failed, "the daemon ended before it was ready").cause(how)
}

/// The exit code of a daemon that has died says why, so the command takes it over.
fn with_code(code: i32) -> Failure {
    let exit = [CommandExit::NotPermitted, CommandExit::Configuration]
        .into_iter()
        .find(|exit| *exit as i32 == code)
        .unwrap_or(CommandExit::Failed);
    Failure::new(exit, "the daemon ended before it was ready")
        .cause(format!("it exited with code {code}"))
}

/// Adds the last lines of the daemon to `failure`, except for `warned`, which was printed already. If the
/// daemon has printed a complete error, that one is shown instead.
pub(super) fn died(context: &Context, warned: &[String], failure: Failure) -> Failure {
    let log = context.paths.logs().join("ai-gateway.log");
    let untold = |words: String| {
        warned
            .iter()
            .fold(words, |words, told| words.replace(told, ""))
    };
    let words = untold(read(&words_path(context)));
    if let (true, Failure::Told { exit, .. }) = (is_error(&words), &failure) {
        return Failure::Report(*exit, words.trim_end().to_owned());
    }
    let mut lines = last_lines(&words);
    if lines.is_empty() {
        lines = last_lines(&read(&log));
    }
    let failure = if lines.is_empty() {
        failure
    } else {
        failure.cause(format!("it said last:\n    {}", lines.join("\n    ")))
    };
    failure.hint(format!("its log is {}", log.display()))
}

fn is_error(words: &str) -> bool {
    words.lines().any(|line| line.starts_with("error: "))
}

/// The text of a file. Empty if it cannot be read.
fn read(path: &Path) -> String {
    regular::long_text(path).unwrap_or_default()
}

fn last_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LAST_LINES);
    lines[from..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}
