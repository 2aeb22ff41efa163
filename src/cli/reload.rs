//! `ai-gateway reload`: the configuration, read again.

use supervise::spec::ServiceName;

use super::{
    context::Context, failure::Failure, interrupted, preview, progress, reread, say::say, settings,
    systemd::Manager, wait,
};
use crate::control::types::Call;

/// Read the configuration again, or a service its files
///
/// Each service takes up what has changed with the least that does it: limits hold at once, a
/// service that can read its files again does so and loses no connection, and only what takes a
/// new process restarts. A configuration that is wrong changes nothing: everything goes on with the old one, and the errors
/// are printed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service; without it, the configuration is read again
    #[arg(value_parser = ServiceName::new)]
    #[arg(conflicts_with = "dry_run")]
    service: Option<ServiceName>,
    /// Change nothing, and say what a reload would do to each service, and each changed key alone
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run, print one JSON object
    #[arg(long, requires = "dry_run")]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if let Some(service) = &args.service {
        let call = Call::Reload(Some(service.clone()));
        let reply = wait::ask(context, &call, &progress::rising, interrupted::RELOADING)??;
        return say(&reply, &format!("{service} has read its files again"));
    }
    settings::look_over(context);
    if args.dry_run {
        return preview::show(&preview::ask(context)?, args.json);
    }
    if let Some(manager) = Manager::find(context) {
        return manager.tell("reload");
    }
    reread::told(context)
}
