//! Asks the daemon for something that takes time, and shows a person how far it is.

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
    failure::{Exit, Failure},
    progress::{Requests, Waiting},
};
use crate::control::{
    client::{Client, ClientError},
    types::{Call, GatewayStatus, Reply},
};
use crate::{clock, fs::regular, stack::IN_FLIGHT};

/// From one look at the clock to the next while somebody looks on.
const TICK_MS: u16 = 1000;

/// After so long without a word from the daemon, it is asked whether it is there.
const SILENCE_MS: u16 = 5_000;
const SILENCE: Duration = Duration::from_millis(SILENCE_MS as u64);

/// Says what is waited for.
pub(super) type Describe<'a> =
    &'a dyn Fn(&GatewayStatus, SystemTime, Requests<'_>) -> Option<Waiting>;

/// How many requests a service still answers, as it was counted last.
pub(super) fn requests(context: &Context, service: &ServiceName) -> Option<u64> {
    let file = context.paths.service(service).join(IN_FLIGHT);
    regular::text(&file).ok()?.trim().parse().ok()
}

/// Signals as something to read, so that a wait can end in order. With the value they do again what
/// they did before.
#[derive(Debug)]
pub(super) struct Signals {
    fd: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Takes `signals` from now on.
    ///
    /// # Errors
    /// The kernel says no.
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

    /// Takes what ends a wait. A command that waits more than once takes it once and lends it to
    /// each wait: in between, a signal would end the command without a word of what goes on.
    ///
    /// # Errors
    /// The kernel says no.
    pub(super) fn that_interrupt() -> Result<Self, Failure> {
        Self::take(&[Signal::SIGINT, Signal::SIGTERM])
    }

    /// Says what goes on if one has come.
    ///
    /// # Errors
    /// One has come.
    pub(super) fn check(&mut self, goes_on: &str) -> Result<(), Failure> {
        match self.next() {
            Some(signal) => Err(interrupted_by(signal, goes_on)),
            None => Ok(()),
        }
    }

    /// The next one that has come, if one has. It may come at any moment, also after a look that has
    /// not seen it: whoever takes one has to act on it.
    pub(super) fn next(&mut self) -> Option<Signal> {
        let info = self.fd.read_signal().ok()??;
        Signal::try_from(info.ssi_signo.cast_signed()).ok()
    }

    /// What becomes readable.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _restored = self.before.thread_set_mask();
    }
}

/// Says what goes on although a signal ends the wait for it.
pub(super) fn interrupted_by(signal: Signal, goes_on: &str) -> Failure {
    tell(format!("\n{goes_on}\n"));
    Failure::Said(Exit::by(signal))
}

/// Waits until one of `fds` is readable, or for `milliseconds`. Returns which are.
///
/// # Errors
/// The kernel says no.
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

/// Waits until `fd` is readable. No: whoever read our standard output has gone, and nothing that
/// may come is of use to anybody.
///
/// # Errors
/// The kernel says no.
pub(super) fn readable_and_read(fd: BorrowedFd<'_>) -> Result<bool, Failure> {
    let out = io::stdout();
    loop {
        // Without a wish for events, the kernel still says that the other end is closed (poll(2)).
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
    Failure::new(Exit::Failed, format!("cannot {action}")).cause(errno.desc())
}

/// One line that is written again and again on a terminal, and only when it says something new
/// elsewhere.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: bool,
    shown: String,
}

impl Progress {
    /// On standard error.
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
                // A line that wraps could not be written over.
                let width = terminal_size::terminal_size_of(io::stderr())
                    .map_or(usize::MAX, |(width, _)| {
                        usize::from(width.0).saturating_sub(1)
                    });
                let line: String = waiting.to_string().chars().take(width).collect();
                // Blanks and no escape sequence, which a dumb terminal would not know and which goes
                // with the colours where those are not wanted.
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

    /// How long a wait may be before the line is old.
    pub(super) fn tick(&self) -> Option<u16> {
        self.terminal.then_some(TICK_MS)
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal && !self.shown.is_empty() {
            tell(format!("\r{}\r", " ".repeat(self.shown.chars().count())));
        }
    }
}

/// Asks and waits, with progress, and returns the daemon's answer. `interrupted` says what Ctrl-C
/// leaves behind.
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

/// The same as one wait of several.
///
/// # Errors
/// As those of [`ask`].
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
    let (mut status, mut progress) = (None, Progress::new());
    let mut heard = clock::monotonic();
    loop {
        let mut fds = vec![asked.as_fd(), signals.fd()];
        fds.extend(watched.as_ref().map(|watched| watched.as_fd()));
        let readable = wait_for(&fds, Some(progress.tick().unwrap_or(SILENCE_MS)))?;
        if readable.contains(&true) {
            heard = clock::monotonic();
        } else if clock::monotonic().saturating_sub(heard) >= SILENCE {
            // Nothing has changed for a while, or nobody is there any more to say so.
            match context.connect().and_then(|mut client| client.status()) {
                Err(silent @ ClientError::Silent { .. }) => {
                    drop(progress);
                    return Err(silent.into());
                }
                // That it has ended is heard on our own connections.
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

/// The newest status that has come; where there will be no more, the connection is given up.
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
