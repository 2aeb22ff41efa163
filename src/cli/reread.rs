//! Has the daemon read the configuration again, for `reload` and for whoever has changed it.

use super::{context::Context, failure::Failure, interrupted, progress, say::say, wait};
use crate::control::{
    client::ClientError,
    types::{Call, Reply},
};

/// Asks the daemon itself and prints its answer.
pub(super) fn told(context: &Context) -> Result<(), Failure> {
    say(&ask(context)??, DONE)
}

/// What is said where the daemon says nothing.
pub(super) const DONE: &str = "The configuration was read again.";

/// Asks the daemon itself, whoever started it.
pub(super) fn ask(context: &Context) -> Result<Result<Reply, ClientError>, Failure> {
    wait::ask(
        context,
        &Call::Reload(None),
        &progress::rising,
        interrupted::RELOADING,
    )
}
