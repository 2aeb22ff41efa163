//! Sends the daemon an order that takes time, and shows a person how far it is.

use std::{
    io::{self, IsTerminal as _},
    os::fd::{AsFd as _, BorrowedFd},
    time::{Duration, SystemTime},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, SigmaskHow, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};

use supervise::spec::ServiceName;

use super::{
    context::{Context, now, tell},
    failure::{CommandExit, Failure},
    progress::{Requests, Waiting},
};
use crate::control::{
    client::{Client, ClientError},
    types::{Call, GatewayStatus, Reply},
};
use crate::{clock, fs::regular, stack::IN_FLIGHT};

/// How often the line is written anew, because it shows a time that passes.
const TICK_MS: u16 = 1000;

/// If the daemon has said nothing for this long, it is asked whether it still answers.
const SILENCE_MS: u16 = 5_000;
const SILENCE: Duration = Duration::from_millis(SILENCE_MS as u64);

/// A function that describes what the wait is for, given a status.
pub(super) type Describe<'a> =
    &'a dyn Fn(&GatewayStatus, SystemTime, Requests<'_>) -> Option<Waiting>;

/// How many requests the service still answers, by the last count that it has written.
pub(super) fn requests(context: &Context, service: &ServiceName) -> Option<u64> {
    let file = context.paths.service(service).join(IN_FLIGHT);
    regular::text(&file).ok()?.trim().parse().ok()
}

/// Signals as a descriptor that can be read, so that a wait ends in an orderly way. When the value is
/// dropped the signals have their old effect again.
#[derive(Debug)]
pub(super) struct Signals {
    fd: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Blocks `signals` and receives them from now on.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(super) fn take(signals: &[Signal]) -> Result<Self, Failure> {
        let set: SigSet = signals.iter().copied().collect();
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        set.thread_swap_mask(SigmaskHow::SIG_BLOCK)
            .and_then(|before| {
                let fd = SignalFd::with_flags(&set, flags)?;
                Ok(Self { fd, before })
            })
            .map_err(|errno| kernel("take signals", errno))
    }

    /// Receives the signals that end a wait. A command that waits more than once calls this once and uses
    /// the value for each wait: between two waits, a signal would otherwise end the command without a word
    /// about what goes on.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(super) fn that_interrupt() -> Result<Self, Failure> {
        Self::take(&[Signal::SIGINT, Signal::SIGTERM])
    }

    /// If a signal has arrived, returns the message about what goes on.
    ///
    /// # Errors
    /// A signal has arrived.
    pub(super) fn check(&mut self, goes_on: &str) -> Result<(), Failure> {
        match self.next() {
            Some(signal) => Err(interrupted_by(signal, goes_on)),
            None => Ok(()),
        }
    }

    /// Takes the next signal that has arrived, if any. Whoever takes one has to act on it, because it is
    /// gone then.
    pub(super) fn next(&mut self) -> Option<Signal> {
        let info = self.fd.read_signal().ok()??;
        Signal::try_from(info.ssi_signo.cast_signed()).ok()
    }

    /// The descriptor that becomes readable when a signal arrives.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _restored = self.before.thread_set_mask();
    }
}

/// Says what goes on although a signal ends the wait.
pub(super) fn interrupted_by(signal: Signal, goes_on: &str) -> Failure {
    tell(format!("\n{goes_on}\n"));
    Failure::AlreadyReported(CommandExit::by(signal))
}

/// Waits until one of `fds` is readable, or for `milliseconds`. Returns which are.
///
/// # Errors
/// The kernel refuses.
pub(super) fn wait_for(
    fds: &[BorrowedFd<'_>],
    milliseconds: Option<u16>,
) -> Result<Vec<bool>, Failure> {
    let mut polled: Vec<PollFd<'_>> = fds
        .iter()
        .map(|fd| PollFd::new(*fd, PollFlags::POLLIN))
        .collect();
    let timeout = milliseconds.map_or(PollTimeout::NONE, PollTimeout::from);
    match poll(&mut polled, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(kernel("wait for an answer", errno)),
    }
    Ok(polled
        .iter()
        .map(|fd| fd.any().unwrap_or_default())
        .collect())
}

/// Waits until `fd` is readable. Returns false if the reader of our standard output has gone away, so that
/// further output would be of no use to anybody.
///
/// # Errors
/// The kernel refuses.
pub(super) fn readable_and_read(fd: BorrowedFd<'_>) -> Result<bool, Failure> {
    let out = io::stdout();
    loop {
        // Even if no events are requested, the kernel reports that the other end is closed (poll(2)).
        let mut polled = [
            PollFd::new(fd, PollFlags::POLLIN),
            PollFd::new(out.as_fd(), PollFlags::empty()),
        ];
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) if polled[1].any().unwrap_or_default() => return Ok(false),
            Ok(_) => return Ok(true),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(kernel("wait for news", errno)),
        }
    }
}

fn kernel(action: &str, errno: Errno) -> Failure {
    Failure::new(CommandExit::Failed, format!("cannot {action}")).cause(errno.desc())
}

/// One line about the progress. On a terminal it is written over again and again; elsewhere a new line is
/// printed only if it says something new.
#[derive(Debug)]
pub(super) struct ProgressLine {
    terminal: bool,
    shown: String,
}

impl ProgressLine {
    /// Whether standard error is a terminal.
    pub(super) fn new() -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            shown: String::new(),
        }
    }

    /// Shows what is waited for.
    pub(super) fn show(&mut self, waiting: Option<&Waiting>) {
        match waiting {
            Some(waiting) if self.terminal => {
                // A line that wraps could not be written over, so it is cut.
                let width = terminal_size::terminal_size_of(io::stderr())
                    .map_or(usize::MAX, |(width, _)| {
                        usize::from(width.0).saturating_sub(1)
                    });
                let line: String = waiting.to_string().chars().take(width).collect();
                // The rest of the line is cleared by blanks. An escape sequence would do nothing on a dumb
                // terminal, and is filtered together with the colours if those are not wanted.
                let rest = self
                    .shown
                    .chars()
                    .count()
                    .saturating_sub(line.chars().count());
                tell(format!("\r{line}{}", " ".repeat(rest)));
                self.shown = line;
            }
            Some(waiting) if self.shown != waiting.what => {
                self.shown.clone_from(&waiting.what);
                tell(format!("{}\n", waiting.what));
            }
            Some(_) | None => {}
        }
    }

    /// After how many milliseconds the line has to be written anew, if at all.
    pub(super) fn tick(&self) -> Option<u16> {
        self.terminal.then_some(TICK_MS)
    }
}

impl Default for ProgressLine {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.terminal && !self.shown.is_empty() {
            tell(format!("\r{}\r", " ".repeat(self.shown.chars().count())));
        }
    }
}

/// Sends an order, shows the progress, and returns the daemon's answer. `interrupted` says what goes on
/// after Ctrl-C.
///
/// # Errors
/// It could not be asked, or somebody pressed Ctrl-C.
pub(super) fn ask(
    context: &Context,
    call: &Call,
    describe: Describe<'_>,
    interrupted: &str,
) -> Result<Result<Reply, ClientError>, Failure> {
    let mut signals = Signals::that_interrupt()?;
    ask_with(&mut signals, context, call, describe, interrupted)
}

/// Does the same as one of several waits.
///
/// # Errors
/// The same as those of [`ask`].
pub(super) fn ask_with(
    signals: &mut Signals,
    context: &Context,
    call: &Call,
    describe: Describe<'_>,
    interrupted: &str,
) -> Result<Result<Reply, ClientError>, Failure> {
    let (mut asked, mut watched) = (context.connect()?, context.connect()?);
    asked.begin(call)?;
    watched.watch()?;
    let mut watched = Some(watched);
    let (mut status, mut progress) = (None, ProgressLine::new());
    let mut heard = clock::monotonic();
    loop {
        let mut fds = vec![asked.as_fd(), signals.fd()];
        fds.extend(watched.as_ref().map(|watched| watched.as_fd()));
        let readable = wait_for(&fds, Some(progress.tick().unwrap_or(SILENCE_MS)))?;
        if readable.contains(&true) {
            heard = clock::monotonic();
        } else if clock::monotonic().saturating_sub(heard) >= SILENCE {
            // Either nothing has changed for a while, or the daemon does not answer any more.
            match context.connect().and_then(|mut client| client.status()) {
                Err(silent @ ClientError::Silent { .. }) => {
                    drop(progress);
                    return Err(silent.into());
                }
                // If the daemon has ended, our own connections will show it.
                Ok(_) | Err(_) => heard = clock::monotonic(),
            }
        }
        if readable[0] {
            drop(progress);
            return Ok(asked.finish(call));
        }
        if let Some(signal) = signals.next() {
            drop(progress);
            return Err(interrupted_by(signal, interrupted));
        }
        if readable.get(2) == Some(&true) {
            status = newest(&mut watched)?.or(status);
        }
        progress.show(
            status
                .as_ref()
                .and_then(|status| describe(status, now(), &|name| requests(context, name)))
                .as_ref(),
        );
    }
}

/// The newest status that has arrived. If no more will come, the connection is closed.
pub(super) fn newest(watched: &mut Option<Client>) -> Result<Option<GatewayStatus>, ClientError> {
    let mut newest = None;
    while let Some(client) = watched {
        match client.next_status()? {
            Some(status) => newest = Some(status),
            None => *watched = None,
        }
        if !watched.as_ref().is_some_and(Client::has_answer) {
            break;
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::paths::Paths,
        fs::regular::tests::{at_once, pipe_at},
    };

    #[test]
    fn a_count_of_requests_is_a_number_in_a_file_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let at = home.path().display().to_string();
        let paths = Paths::find(|n| (n == "AI_GATEWAY_HOME").then(|| at.clone()), false).unwrap();
        let context = Context {
            paths,
            user: nix::unistd::Uid::effective(),
            system: false,
        };
        let name = ServiceName::new("litellm").unwrap();
        let folder = context.paths.service(&name);
        std::fs::create_dir_all(&folder).unwrap();
        let count = || {
            let (context, name) = (context.clone(), name.clone());
            at_once(move || requests(&context, &name))
        };
        assert_eq!(count(), None);
        std::fs::write(folder.join(IN_FLIGHT), "3\n").unwrap();
        assert_eq!(count(), Some(3));
        pipe_at(&folder.join(IN_FLIGHT));
        assert_eq!(count(), None);
    }
}
