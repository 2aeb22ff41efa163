//! Asks the daemon to read the configuration again, for `reload` and for commands that have changed it.

use super::{context::Context, failure::Failure, interrupted, progress, say::say, wait};
use crate::control::{
    client::ClientError,
    types::{Call, Reply},
};

/// Asks the daemon and prints its answer.
pub(super) fn told(context: &Context) -> Result<(), Failure> {
    say(&ask(context)??, DONE)
}

/// What is printed if the daemon's answer has no lines.
pub(super) const DONE: &str = "The configuration was read again.";

/// Asks the daemon directly, whether or not systemd has started it.
pub(super) fn ask(context: &Context) -> Result<Result<Reply, ClientError>, Failure> {
    wait::ask(
        context,
        &Call::Reload(None),
        &progress::rising,
        interrupted::RELOADING,
    )
}
