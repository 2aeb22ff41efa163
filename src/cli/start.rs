//! `ai-gateway start`: through systemd where a unit is installed, otherwise a daemon of our own in
//! the background.

use supervise::spec::ServiceName;

use super::{
    context::{Context, print},
    detach,
    failure::Failure,
    progress, root,
    stop::say,
    systemd::Manager,
    table, wait,
};
use crate::control::{client::ClientError, types::Call};

/// Start everything, or one service
///
/// Returns when all is ready. Without SERVICE the daemon is started, through systemd where a unit
/// is installed, in the background otherwise; what was stopped or has failed is started again.
///
/// With SERVICE, it and what it needs.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service; without it, all of them
    #[arg(value_parser = ServiceName::new)]
    service: Option<ServiceName>,
}

const INTERRUPTED: &str = "It goes on starting: 'ai-gateway status' shows how far it is, \
                           'ai-gateway stop' stops it.";

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let call = Call::Start(args.service.clone());
    if let Some(service) = &args.service {
        let reply = wait::ask(context, &call, &progress::rising, INTERRUPTED)??;
        return say(&reply, &format!("{service} is ready"));
    }
    if let Some(manager) = Manager::find(context) {
        manager.tell("start")?;
        return addresses(context);
    }
    match context.connect() {
        // Its connection is not needed: asking makes its own.
        Ok(_) => {}
        Err(ClientError::NotRunning { .. }) => {
            root::refuse(context, "start")?;
            detach::daemon(context)?;
        }
        Err(other) => return Err(other.into()),
    }
    // A daemon that dies on the way up ends the connection, and then its own words count.
    match wait::ask(context, &call, &progress::rising, INTERRUPTED)? {
        Ok(_) => addresses(context),
        Err(ClientError::Gone) => Err(detach::died(context, ClientError::Gone.into())),
        Err(other) => Err(other.into()),
    }
}

/// That it is ready, and where.
pub(super) fn addresses(context: &Context) -> Result<(), Failure> {
    let status = context.connect()?.status()?;
    let state = table::state_word(status.state);
    let urls: String = table::urls(&status)
        .iter()
        .map(|line| line.render(usize::MAX) + "\n")
        .collect();
    print(format!("ai-gateway is {state}\n\n{urls}"))
}
