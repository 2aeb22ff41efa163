//! `ai-gateway start`: through systemd where a unit is installed, otherwise a daemon of our own in
//! the background.

use supervise::spec::ServiceName;

use super::{
    context::Context,
    detach,
    failure::Failure,
    interrupted, progress,
    say::say,
    settings,
    startup::{RISEN, addresses, failed_for_good},
    systemd::Manager,
    through,
    wait::{self, Signals},
};
use crate::control::{client::ClientError, types::Call};

/// Start everything, or one service
///
/// Returns when all is ready. Without SERVICE the daemon is started, through systemd where a unit
/// is installed, in the background otherwise; what was stopped or has failed is started again. Ends
/// with 1 as soon as a service has failed for good: the others go on.
///
/// With SERVICE, it and what it needs.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service; without it, all of them
    #[arg(value_parser = ServiceName::new)]
    service: Option<ServiceName>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if let Some(service) = &args.service {
        let call = Call::Start(args.service.clone());
        let reply = wait::ask(context, &call, &progress::rising, interrupted::STARTING)??;
        return say(&reply, &format!("{service} is ready"));
    }
    let warned = settings::look_over(context);
    if let Some(manager) = Manager::find(context) {
        return through::start(manager, context);
    }
    let mut signals = Signals::that_interrupt()?;
    match context.connect() {
        // Its connection is not needed: asking makes its own.
        Ok(_) => {}
        Err(ClientError::NotRunning { .. } | ClientError::Starting { .. }) => {
            detach::daemon(context, &warned, &mut signals)?;
        }
        Err(other) => return Err(other.into()),
    }
    let asked = wait::ask_with(
        &mut signals,
        context,
        &RISEN,
        &progress::rising,
        interrupted::STARTING,
    );
    // A daemon that dies on the way up ends the connection, and then its own words count.
    match asked? {
        Ok(_) => addresses(context),
        Err(ClientError::Gone) => Err(detach::died(context, &warned, ClientError::Gone.into())),
        Err(other) => Err(failed_for_good(other)),
    }
}
