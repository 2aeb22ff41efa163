//! What all commands have in common that wait for a gateway to be ready: what they ask of the daemon, and
//! what they print when it is ready or when a service has failed for good.

use super::{
    context::{Context, print, tell},
    failure::Failure,
    table,
};
use crate::control::{
    client::ClientError,
    types::{Call, GatewayStatus, Refusal},
};

/// The order that everything becomes ready, including services that were stopped or have failed.
pub(super) const RISEN: Call = Call::Start(None);

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

/// Prints that the gateway is ready, and its addresses.
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

/// Prints what a person should know who was just told that the gateway is ready.
pub(super) fn tell_notes(status: &GatewayStatus) {
    for note in table::notes(status) {
        tell(note.render(usize::MAX) + "\n");
    }
}
