//! What can go wrong at set-up, in words that say what to do.

use std::{ffi::NulError, fmt, io, path::Path, path::PathBuf};

use nix::{errno::Errno, sys::signal::Signal};
use sys::spawn::{LaunchStep, SpawnError};

use super::model::{Damage, Problem, Python, UnreadableCluster};
use crate::{fs::draft::DraftError, secrets::SecretError, trust::Untrusted};

/// Why set-up did not finish. Running it again goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Set-up was started by root.
    #[error("set-up does not run as root: type '{command}'")]
    Root {
        /// The command to type instead.
        command: String,
    },
    /// Something stands in the way, and nothing was begun.
    #[error("{}", problems(.0))]
    NotPossible(Vec<Problem>),
    /// Other users could change what set-up would make.
    #[error("{}: {}", .0, .0.hint())]
    Untrusted(#[from] Untrusted),
    /// Another set-up is running.
    #[error("another set-up is running (process {holder}): wait until it has ended")]
    Busy {
        /// The number of its process, as it wrote it into the lock.
        holder: String,
    },
    /// A signal has asked set-up to end: Ctrl-C, SIGTERM or a closed terminal.
    #[error("interrupted: run 'ai-gateway setup' again to go on from here")]
    Interrupted {
        /// Which of the signals it was.
        signal: Signal,
    },
    /// The kernel has refused something.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The verb of what was tried.
        action: &'static str,
        /// The file or folder that it was tried on.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot run {program}")]
    Launch {
        /// The program.
        program: String,
        /// The reason why.
        source: LaunchError,
    },
    /// A program has failed.
    #[error(transparent)]
    Command(#[from] Box<CommandFailed>),
    /// The machine has no Python that fits, and the one that set-up brings could not be installed.
    #[error(
        "the machine has no Python of version {}, and Python {version} was not installed in its place: \
         install one of these versions, or name one with [programs] python, or mend what is said here",
        Python::versions()
    )]
    PythonNotBrought {
        /// The version that set-up brings.
        version: &'static str,
        /// What uv has said.
        source: Box<CommandFailed>,
    },
    /// A secret cannot be read or made.
    #[error("the secrets are not in order")]
    Secrets(#[from] SecretError),
    /// A package brought code that runs in every Python of the environment.
    #[error(
        "{} is not expected: such a file runs code in every Python of the environment, and this is \
         how trojaned packages have spread. The environment is not used; report this before going on",
        path.display()
    )]
    UnexpectedPth {
        /// The file.
        path: PathBuf,
    },
    /// A step of a single service has found that it must not go on. The sentence is the service's own, and says
    /// what is wrong and what to do.
    #[error("{0}")]
    Refused(String),
    /// What was installed is not what the lock names.
    #[error("{0}: it is not used; run 'ai-gateway setup' again, and report this if it comes again")]
    Damaged(#[from] Damage),
    /// The machine is not set up, which what was asked for needs.
    #[error(transparent)]
    NotSetUp(#[from] NotSetUp),
    /// All steps were done, and yet something is missing.
    #[error("set-up has ended, but something has been taken away meanwhile")]
    NotUsable(#[source] Box<NotSetUp>),
    /// The record of earlier set-ups cannot be understood.
    #[error(
        "{} cannot be read as a record of set-up: remove it and run set-up again (nothing but time is lost)",
        path.display()
    )]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The pipes between it and us could not be made.
    #[error(transparent)]
    Pipes(#[from] io::Error),
    /// A path, an argument or a variable has a byte that is zero, and the kernel takes none.
    #[error(transparent)]
    ZeroByte(#[from] NulError),
    /// The kernel did not launch it.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

impl LaunchError {
    /// Whether the program itself, or the interpreter of its first line, is not there.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Spawn(error) => {
                error.step == LaunchStep::Exec && error.source.kind() == io::ErrorKind::NotFound
            }
            Self::Pipes(_) | Self::ZeroByte(_) => false,
        }
    }

    /// Whether this process or the machine may have no more files open.
    pub fn lacks_descriptors(&self) -> bool {
        let source = match self {
            Self::Pipes(source) | Self::Spawn(SpawnError { source, .. }) => source,
            Self::ZeroByte(_) => return false,
        };
        let errno = source.raw_os_error().map(Errno::from_raw);
        matches!(errno, Some(Errno::EMFILE | Errno::ENFILE))
    }
}

impl From<UnreadableCluster> for SetupError {
    fn from(error: UnreadableCluster) -> Self {
        Self::io("read", &error.path)(error.source)
    }
}

impl From<DraftError> for SetupError {
    fn from(error: DraftError) -> Self {
        Self::io(error.action, &error.path)(error.source)
    }
}

impl SetupError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

fn problems(problems: &[Problem]) -> String {
    match problems {
        [one] => one.to_string(),
        many => many.iter().fold(
            format!("{} blocking problems:", many.len()),
            |text, problem| format!("{text}\n  - {problem}"),
        ),
    }
}

/// What is known of a program that has ended with an error.
#[derive(Debug)]
pub struct CommandFailed {
    /// What was being done, as a person says it.
    pub doing: String,
    /// The program's name.
    pub program: String,
    /// How it ended.
    pub exit: sys::pidfd::ProcessEnd,
    /// The last lines of its output.
    pub tail: String,
}

impl std::error::Error for CommandFailed {}

impl fmt::Display for CommandFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.doing)?;
        match self.cause() {
            Some(cause) => write!(f, ": {}", cause.advice())?,
            None => match self.exit {
                sys::pidfd::ProcessEnd::Code(code) => {
                    write!(f, ": {} exited with {code}", self.program)?;
                }
                sys::pidfd::ProcessEnd::Signal { signal, .. } => {
                    write!(f, ": {} was killed by signal {signal}", self.program)?;
                }
            },
        }
        if self.tail.is_empty() {
            return Ok(());
        }
        write!(f, "\n{} said:", self.program)?;
        self.tail
            .lines()
            .try_for_each(|line| write!(f, "\n  | {line}"))
    }
}

/// The few causes that a person can mend, told apart by what the programs say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A package's contents are not those that the lock names.
    Hash,
    /// The disk has no room left.
    Disk,
    /// The registry was not reached.
    Network,
    /// A release that the lock names is not there, or not for this machine.
    Missing,
}

impl Cause {
    /// In the order in which they are looked for: a full disk can look like a broken connection.
    const SIGNS: [(Self, &'static [&'static str]); 4] = [
        (
            Self::Disk,
            &["no space left on device", "enospc", "disk quota exceeded"],
        ),
        (
            Self::Hash,
            &[
                "do not match the hashes",
                "hash mismatch",
                "hash digest mismatch",
                "eintegrity",
                "hashes are required",
            ],
        ),
        (
            Self::Network,
            &[
                "name resolution",
                "name or service not known",
                "failed to lookup address",
                "dns error",
                "connection refused",
                "network is unreachable",
                "error sending request",
                "failed to fetch",
                "could not connect",
                "timed out",
                "econnrefused",
                "enotfound",
                "eai_again",
                "etimedout",
                "proxyerror",
                "newconnectionerror",
                "enotcached",
            ],
        ),
        (
            Self::Missing,
            &[
                "no matching distribution",
                "failed to query metadata of file",
                "no solution found",
                "not found in the package registry",
                "no usable wheels",
                "has no wheels",
                "e404",
            ],
        ),
    ];

    fn advice(self) -> &'static str {
        match self {
            Self::Hash => {
                "what was downloaded is not what was locked, so it was not installed; \
                 a mirror may serve other files, or a release was tampered with"
            }
            Self::Disk => "the disk is full; make room and run set-up again",
            Self::Network => {
                "the registry was not reached; check the network and the proxy variables \
                 (https_proxy, PIP_INDEX_URL, UV_DEFAULT_INDEX, \
                 UV_PYTHON_INSTALL_MIRROR, npm_config_registry), or use --offline DIR"
            }
            Self::Missing => {
                "the registry, or the offline folder, does not have what the lock names"
            }
        }
    }
}

impl CommandFailed {
    /// Returns the cause, where the output shows one of those that a person can mend.
    pub fn cause(&self) -> Option<Cause> {
        let text = self.tail.to_ascii_lowercase();
        Cause::SIGNS
            .into_iter()
            .find(|(_, signs)| signs.iter().any(|sign| text.contains(sign)))
            .map(|(cause, _)| cause)
    }
}

/// Why the gateway cannot run yet.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the gateway is not set up: {what}: run 'ai-gateway setup'")]
pub struct NotSetUp {
    /// What is missing.
    pub what: String,
}
