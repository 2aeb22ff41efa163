//! How a command fails: what, why, what to do, and the exit code. Printed once, at the edge.

use std::{error::Error, fmt::Write as _, io};

use anstyle::{AnsiColor, Style};
use nix::sys::signal::Signal;

use crate::{
    causes::causes,
    config::{LoadError, Report, edit::EditError, paths::PathsError},
    control::{client::ClientError, types::Refusal},
    plan::{PlanError, environment::EnvironmentError},
};

/// The exit code of a command that failed: other people's scripts rest on these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// It was tried and did not work.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// There is no daemon.
    NotRunning = 69,
    /// Not by this user.
    NotPermitted = 77,
    /// The configuration is wrong.
    Configuration = 78,
    /// SIGHUP ended it. As a shell tells of a process that a signal ended: 128 and its number.
    HungUp = 129,
    /// SIGINT ended it, which is Ctrl-C.
    Interrupted = 130,
    /// SIGQUIT ended it, which is Ctrl-\.
    Quit = 131,
    /// SIGTERM ended it.
    Terminated = 143,
}

impl Exit {
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
    /// Whoever read our output has had enough: no failure at all, and nothing to say.
    BrokenPipe,
    /// It was said already; only the exit code is left.
    Said(Exit),
    /// A report that begins with `error:` itself, in colours.
    Report(Exit, String),
    /// To be told.
    Told {
        /// The exit code.
        exit: Exit,
        /// What happened.
        what: String,
        /// Why, the nearest cause first.
        causes: Vec<String>,
        /// What to do.
        hints: Vec<String>,
    },
}

impl Failure {
    /// A failure with nothing behind it.
    pub(super) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self::Told {
            exit,
            what: what.into(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A failure with what caused it.
    pub(super) fn of(exit: Exit, error: &(dyn Error + 'static)) -> Self {
        Self::Told {
            exit,
            what: error.to_string(),
            causes: causes(error).map(ToString::to_string).collect(),
            hints: Vec::new(),
        }
    }

    /// The same with something to do.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Told { hints, .. } = &mut self {
            hints.push(hint.into());
        }
        self
    }

    /// The same with a cause nearer to the root than those that it has.
    #[must_use]
    pub(super) fn cause(mut self, cause: impl Into<String>) -> Self {
        if let Self::Told { causes, .. } = &mut self {
            causes.push(cause.into());
        }
        self
    }

    /// Whether no daemon answered, and nothing is told yet of what to do about that.
    pub(super) fn is_unexplained_absence(&self) -> bool {
        matches!(
            self,
            Self::Told { exit: Exit::NotRunning, hints, .. } if hints.is_empty()
        )
    }

    /// The exit code.
    pub(super) const fn code(&self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Said(exit) | Self::Report(exit, _) | Self::Told { exit, .. } => *exit as u8,
        }
    }

    /// The text for standard error, with colours.
    pub(super) fn text(&self) -> String {
        let (what, causes, hints) = match self {
            Self::BrokenPipe | Self::Said(_) => return String::new(),
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

/// Of writing to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        Self::new(Exit::Failed, "cannot write to standard output").cause(error.to_string())
    }
}

impl From<PathsError> for Failure {
    fn from(error: PathsError) -> Self {
        Self::of(Exit::Configuration, &error)
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Self::Report(Exit::Configuration, report.render(true))
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Wrong(report) => report.into(),
            LoadError::Read { .. } | LoadError::NotText { .. } => {
                Self::of(Exit::Configuration, &error)
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
            PlanError::Ports(report) => Self::Report(Exit::Failed, report.render(true)),
            // Starting it again and again would not set it up, hence not a mere failure.
            PlanError::NotSetUp(_) | PlanError::Environment(_) => {
                Self::of(Exit::Configuration, &error)
            }
            PlanError::Secrets(_) => Self::of(Exit::Failed, &error)
                .hint("'ai-gateway setup' makes those that are missing"),
            PlanError::SecretsChanged(ref changed) => {
                let failure = Self::of(Exit::Configuration, &error);
                changed.hints().into_iter().fold(failure, Self::hint)
            }
        }
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Load(error) => error.into(),
            EditError::Typed(report) => Self::Report(Exit::Usage, report.render(true)),
            EditError::Wrong(report) => report.into(),
            EditError::ByHand { .. } => Self::of(Exit::Failed, &error),
            EditError::Misled { .. } => Self::of(Exit::NotPermitted, &error),
            EditError::Write { ref source, .. } => {
                let exit = match source.kind() {
                    io::ErrorKind::PermissionDenied => Exit::NotPermitted,
                    _ => Exit::Failed,
                };
                Self::of(exit, &error)
            }
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            // What to do depends on whose gateway is meant, which is looked for once, at the edge.
            ClientError::NotRunning { path } => Self::of(Exit::NotRunning, &error)
                .cause(format!("nobody listens on {}", path.display())),
            ClientError::Starting { .. } => Self::of(Exit::NotRunning, &error)
                .hint("'ai-gateway start' waits until everything is ready"),
            ClientError::OutOfReach { .. } => Self::of(Exit::Failed, &error).hint(
                "its folder of sockets was removed: 'ai-gateway stop' and 'ai-gateway start' \
                 make it anew",
            ),
            ClientError::Silent { pid, stopped } => {
                let failure = Self::of(Exit::Failed, &error);
                if *stopped {
                    failure.hint(format!("'kill -CONT {pid}' lets it go on"))
                } else {
                    failure.hint(format!(
                        "if it stays so: 'kill -KILL {pid}', and 'ai-gateway start' stops what it \
                         left in order and begins anew"
                    ))
                }
            }
            ClientError::NotPermitted { .. } => Self::of(Exit::NotPermitted, &error)
                .hint("type the command as that user, or as root"),
            ClientError::Refused(Refusal::Configuration(report)) => {
                Self::Report(Exit::Configuration, report.clone())
            }
            ClientError::Refused(Refusal::UnknownService { .. }) => Self::of(Exit::Usage, &error),
            ClientError::Refused(Refusal::Ending) => Self::of(Exit::Failed, &error)
                .hint("'ai-gateway start' starts it again once it is down"),
            ClientError::Gone => Self::of(Exit::Failed, &error)
                .hint("'ai-gateway logs ai-gateway' shows what it said last"),
            ClientError::Refused(_) | ClientError::Io { .. } | ClientError::Strange { .. } => {
                Self::of(Exit::Failed, &error)
            }
        }
    }
}
