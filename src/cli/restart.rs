//! `ai-gateway restart`: down and up again.

use supervise::spec::ServiceName;

use super::{
    context::{Context, tell},
    failure::Failure,
    interrupted, progress,
    say::say,
    settings, startup,
    systemd::Manager,
    through, wait,
};
use crate::control::types::Call;

/// Stop and start everything, or one service
///
/// Without SERVICE the configuration is read again; one that is not valid restarts nothing. A
/// single service restarts with the configuration that is in effect: 'ai-gateway reload' applies
/// another one.
///
/// Services that need the one that restarts are not restarted with it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service; without it, all of them
    #[arg(value_parser = ServiceName::new)]
    service: Option<ServiceName>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if args.service.is_none() {
        settings::look_over(context);
    }
    if args.service.is_none()
        && let Some(manager) = Manager::find(context)
    {
        // The running gateway is not stopped for a configuration that the next start would refuse.
        if let Err(wrong @ Failure::Report(..)) = settings::read(context, &[]) {
            tell("Nothing was restarted:\n");
            return Err(wrong);
        }
        return through::restart(manager, context);
    }
    let call = Call::Restart(args.service.clone());
    let reply = wait::ask(context, &call, &progress::rising, interrupted::RESTARTING)??;
    match &args.service {
        Some(service) => say(&reply, &format!("{service} is ready"))?,
        None => say(&reply, "ai-gateway is ready")?,
    }
    // A service restarts with the configuration that is in effect.
    startup::tell_notes(&context.connect()?.status()?);
    Ok(())
}
