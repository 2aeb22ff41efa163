//! `ai-gateway start`: through systemd where a unit is installed, otherwise a daemon of our own in
//! the background.

use supervise::spec::ServiceName;

use super::{
    context::{Context, print, tell},
    detach,
    failure::Failure,
    progress, settings,
    stop::say,
    systemd::Manager,
    table, through,
    wait::{self, Signals},
};
use crate::control::{
    client::ClientError,
    types::{Call, GatewayStatus, Refusal},
};

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

/// That everything is ready, or to be started again if it was stopped or has failed.
pub(super) const RISEN: Call = Call::Start(None);

pub(super) const INTERRUPTED: &str = "It goes on starting: 'ai-gateway status' shows how far it is, \
                           'ai-gateway stop' stops it.";

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if let Some(service) = &args.service {
        let call = Call::Start(args.service.clone());
        let reply = wait::ask(context, &call, &progress::rising, INTERRUPTED)??;
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
        INTERRUPTED,
    );
    // A daemon that dies on the way up ends the connection, and then its own words count.
    match asked? {
        Ok(_) => addresses(context),
        Err(ClientError::Gone) => Err(detach::died(context, &warned, ClientError::Gone.into())),
        Err(other) => Err(failed_for_good(other)),
    }
}

/// What to do about a service that has failed for good.
pub(super) fn failed_for_good(error: ClientError) -> Failure {
    let is_a_service = matches!(error, ClientError::Refused(Refusal::Failed(_)));
    let failure = Failure::from(error);
    if is_a_service {
        failure.hint("the others go on; 'ai-gateway start' tries again once it is fixed")
    } else {
        failure
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
    print(format!("ai-gateway is {state}\n\n{urls}"))?;
    tell_notes(&status);
    Ok(())
}

/// What somebody should know who has just been told that it is ready.
pub(super) fn tell_notes(status: &GatewayStatus) {
    for note in table::notes(status) {
        tell(note.render(usize::MAX) + "\n");
    }
}
