//! `ai-gateway restart`: down and up again.

use supervise::spec::ServiceName;

use super::{
    context::Context, failure::Failure, progress, stop::say, systemd::Manager, through, wait,
};
use crate::control::types::Call;

/// Stop and start everything, or one service
///
/// Services that need the one that restarts are not restarted with it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service; without it, all of them
    #[arg(value_parser = ServiceName::new)]
    service: Option<ServiceName>,
}

const INTERRUPTED: &str = "It goes on restarting: 'ai-gateway status' shows how far it is.";

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if args.service.is_none()
        && let Some(manager) = Manager::find(context)
    {
        return through::restart(manager, context);
    }
    let call = Call::Restart(args.service.clone());
    let reply = wait::ask(context, &call, &progress::rising, INTERRUPTED)??;
    match &args.service {
        Some(service) => say(&reply, &format!("{service} is ready")),
        None => say(&reply, "ai-gateway is ready"),
    }
}
