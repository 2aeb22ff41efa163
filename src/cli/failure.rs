//! How a command fails: what happened, why, what to do, and the exit code. It is printed once, by `main`.

use std::{error::Error, fmt::Write as _, io};

use anstyle::{AnsiColor, Style};
use nix::sys::signal::Signal;

use crate::{
    causes::causes,
    config::{LoadError, Report, edit::EditError, paths::PathsError},
    control::{client::ClientError, types::Refusal},
    plan::{PlanError, environment::EnvironmentError},
    provision::MissingSecrets,
};

/// The exit code of a command that failed. Other people's scripts rely on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum CommandExit {
    /// The command tried and did not succeed.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// No daemon runs.
    NotRunning = 69,
    /// This user is not allowed to do it.
    NotPermitted = 77,
    /// The configuration is wrong.
    Configuration = 78,
    /// SIGHUP ended it: 128 and the number of the signal, as shells report it.
    HungUp = 129,
    /// SIGINT ended it, which is Ctrl-C.
    Interrupted = 130,
    /// SIGQUIT ended it, which is Ctrl-\.
    Quit = 131,
    /// SIGTERM ended it.
    Terminated = 143,
}

impl CommandExit {
    /// The exit code of a command that ends because of a signal.
    pub(super) const fn by(signal: Signal) -> Self {
        match signal {
            Signal::SIGHUP => Self::HungUp,
            Signal::SIGQUIT => Self::Quit,
            Signal::SIGTERM => Self::Terminated,
            _ => Self::Interrupted,
        }
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The reader of our output has closed the pipe. That is no failure, and nothing is printed.
    BrokenPipe,
    /// The failure was printed already; only the exit code is left.
    AlreadyReported(CommandExit),
    /// A report that begins with `error:` itself, in colours.
    Report(CommandExit, String),
    /// A failure that is still to be printed.
    Told {
        /// The exit code.
        exit: CommandExit,
        /// What happened.
        what: String,
        /// Why it happened, the nearest cause first.
        causes: Vec<String>,
        /// What to do.
        hints: Vec<String>,
    },
}

impl Failure {
    /// A failure without a cause.
    pub(super) fn new(exit: CommandExit, what: impl Into<String>) -> Self {
        Self::Told {
            exit,
            what: what.into(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A failure that an error has caused.
    pub(super) fn of(exit: CommandExit, error: &(dyn Error + 'static)) -> Self {
        Self::Told {
            exit,
            what: error.to_string(),
            causes: causes(error).map(ToString::to_string).collect(),
            hints: Vec::new(),
        }
    }

    /// Adds a hint about what to do.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Told { hints, .. } = &mut self {
            hints.push(hint.into());
        }
        self
    }

    /// Adds a cause at the end, behind those that are known already.
    #[must_use]
    pub(super) fn cause(mut self, cause: impl Into<String>) -> Self {
        if let Self::Told { causes, .. } = &mut self {
            causes.push(cause.into());
        }
        self
    }

    /// Whether no daemon answered and there is no hint yet about what to do.
    pub(super) fn is_unexplained_absence(&self) -> bool {
        matches!(
            self,
            Self::Told { exit: CommandExit::NotRunning, hints, .. } if hints.is_empty()
        )
    }

    /// The exit code.
    pub(super) const fn code(&self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::AlreadyReported(exit) | Self::Report(exit, _) | Self::Told { exit, .. } => {
                *exit as u8
            }
        }
    }

    /// The text for standard error, with colours.
    pub(super) fn text(&self) -> String {
        let (what, causes, hints) = match self {
            Self::BrokenPipe | Self::AlreadyReported(_) => return String::new(),
            Self::Report(_, text) => return format!("{text}\n"),
            Self::Told {
                what,
                causes,
                hints,
                ..
            } => (what, causes, hints),
        };
        let bold = |colour: AnsiColor| Style::new().bold().fg_color(Some(colour.into()));
        let (red, cyan) = (bold(AnsiColor::Red), bold(AnsiColor::Cyan));
        let mut text = format!("{red}error:{red:#} {what}\n");
        for cause in causes {
            let _infallible = writeln!(text, "  caused by: {cause}");
        }
        for hint in hints {
            let _infallible = writeln!(text, "{cyan}hint:{cyan:#} {hint}");
        }
        text
    }
}

/// Errors of writing to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        Self::new(CommandExit::Failed, "cannot write to standard output").cause(error.to_string())
    }
}

impl From<PathsError> for Failure {
    fn from(error: PathsError) -> Self {
        Self::of(CommandExit::Configuration, &error)
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Self::Report(CommandExit::Configuration, report.render(true))
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Wrong(report) => report.into(),
            LoadError::Read { .. } | LoadError::NotText { .. } => {
                Self::of(CommandExit::Configuration, &error)
            }
        }
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        PlanError::from(error).into()
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Ports(report) => Self::Report(CommandExit::Failed, report.render(true)),
            // This has the exit code of a wrong configuration: systemd does not restart a unit for it, and
            // a restart would not help a gateway that is not set up.
            PlanError::NotSetUp(_) | PlanError::Environment(_) => {
                Self::of(CommandExit::Configuration, &error)
            }
            PlanError::Secrets(_) => Self::of(CommandExit::Failed, &error)
                .hint("'ai-gateway setup' makes those that are missing"),
            PlanError::SecretsChanged(ref changed) => {
                let failure = Self::of(CommandExit::Configuration, &error);
                changed.hints().into_iter().fold(failure, Self::hint)
            }
            PlanError::SecretsMissing(MissingSecrets::Lost(ref lost)) => {
                let failure = Self::of(CommandExit::Configuration, &error);
                lost.hints().into_iter().fold(failure, Self::hint)
            }
            PlanError::SecretsMissing(MissingSecrets::NotSetUp(_)) => {
                Self::of(CommandExit::Configuration, &error)
            }
            PlanError::SecretsMissing(MissingSecrets::SetUp(_) | MissingSecrets::Secrets(_)) => {
                Self::of(CommandExit::Failed, &error)
            }
        }
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Load(error) => error.into(),
            EditError::Typed(report) => Self::Report(CommandExit::Usage, report.render(true)),
            EditError::Wrong(report) => report.into(),
            EditError::ByHand { .. } => Self::of(CommandExit::Failed, &error),
            EditError::Misled { .. } => Self::of(CommandExit::NotPermitted, &error),
            EditError::Write { ref source, .. } => {
                let exit = match source.kind() {
                    io::ErrorKind::PermissionDenied => CommandExit::NotPermitted,
                    _ => CommandExit::Failed,
                };
                Self::of(exit, &error)
            }
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            // What to do depends on whose gateway is meant, which `main` finds out once.
            ClientError::NotRunning { path } => Self::of(CommandExit::NotRunning, &error)
                .cause(format!("nobody listens on {}", path.display())),
            ClientError::Starting { .. } => Self::of(CommandExit::NotRunning, &error)
                .hint("'ai-gateway start' waits until everything is ready"),
            ClientError::OutOfReach { .. } => Self::of(CommandExit::Failed, &error).hint(
                "its folder of sockets was removed: 'ai-gateway stop' and 'ai-gateway start' \
                 make it anew",
            ),
            ClientError::Silent { pid, stopped } => {
                let failure = Self::of(CommandExit::Failed, &error);
                if *stopped {
                    failure.hint(format!("'kill -CONT {pid}' lets it go on"))
                } else {
                    failure.hint(format!(
                        "if it stays so: 'kill -KILL {pid}', and 'ai-gateway start' stops what it \
                         left in order and begins anew"
                    ))
                }
            }
            ClientError::NotPermitted { .. } => Self::of(CommandExit::NotPermitted, &error)
                .hint("type the command as that user, or as root"),
            ClientError::Refused(Refusal::Configuration(report)) => {
                Self::Report(CommandExit::Configuration, report.clone())
            }
            ClientError::Refused(Refusal::UnknownService { .. }) => {
                Self::of(CommandExit::Usage, &error)
            }
            ClientError::Refused(Refusal::Ending) => Self::of(CommandExit::Failed, &error)
                .hint("'ai-gateway start' starts it again once it is down"),
            ClientError::Gone => Self::of(CommandExit::Failed, &error)
                .hint("'ai-gateway logs ai-gateway' shows what it said last"),
            ClientError::Refused(_) | ClientError::Io { .. } | ClientError::Strange { .. } => {
                Self::of(CommandExit::Failed, &error)
            }
        }
    }
}
