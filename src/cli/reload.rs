//! `ai-gateway reload`: the configuration, read again.

use super::{
    context::Context, failure::Failure, progress, settings, stop::say, systemd::Manager, wait,
};
use crate::control::{
    client::ClientError,
    types::{Call, Reply},
};

/// Read the configuration again
///
/// Restarts the services that the new configuration changes, and no others. A configuration that
/// is wrong changes nothing: everything goes on with the old one, and the errors are printed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

const INTERRUPTED: &str = "It goes on reloading: 'ai-gateway status' shows how far it is.";

pub(super) fn run(_args: &Args, context: &Context) -> Result<(), Failure> {
    settings::look_over(context);
    if let Some(manager) = Manager::find(context) {
        return manager.tell("reload");
    }
    told(context)
}

/// Asks the daemon itself and prints its answer.
pub(super) fn told(context: &Context) -> Result<(), Failure> {
    say(&ask(context)??, DONE)
}

/// What is said where the daemon says nothing.
pub(super) const DONE: &str = "The configuration was read again.";

/// Asks the daemon itself, whoever started it.
pub(super) fn ask(context: &Context) -> Result<Result<Reply, ClientError>, Failure> {
    wait::ask(context, &Call::Reload, &progress::rising, INTERRUPTED)
}
