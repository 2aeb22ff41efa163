//! `ai-gateway run`: the daemon in the foreground. What the units execute.

use std::io::{self, IsTerminal as _};

use super::{
    context::{Context, variable},
    failure::{Exit, Failure},
    root, settings,
};
use crate::{
    config::{Loaded, ports},
    control::types::Refusal,
    logs::{self, Output},
    provision,
    runtime::{self, Options, Planned, RunError},
    secrets::SecretStore,
    stack::{self, Secrets},
};

/// Run the gateway in the foreground
///
/// What the systemd units execute. Ctrl-C stops everything in order.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(Args {}: &Args, context: &Context) -> Result<(), Failure> {
    root::refuse(context, "run")?;
    let (loaded, planned) = plan(context)?;
    let taken = ports::in_use(&loaded);
    let output = Output::find(
        variable("JOURNAL_STREAM").as_deref(),
        &context.paths.logs(),
        io::stdout().is_terminal(),
    );
    // A daemon of ours that runs holds our ports: then its lock is what there is to say.
    if !taken.is_empty() && context.connect().is_err() {
        return Err(ports::report(&loaded, &taken).into());
    }
    logs::init(&output)
        .map_err(|e| Failure::new(Exit::Failed, "cannot open the log").cause(e.to_string()))?;
    let again = context.clone();
    let options = Options {
        paths: context.paths.clone(),
        output,
        planned,
        replan: Box::new(move || Ok(plan(&again).map_err(refusal)?.1)),
    };
    runtime::run(options).map_err(|error| failure(&error))
}

/// From the file to what is to be run.
fn plan(context: &Context) -> Result<(Loaded, Planned), Failure> {
    let loaded = settings::read(context, &[])?;
    let found = &loaded.settings;
    let set_up = |error: &dyn std::error::Error| {
        Failure::of(Exit::Failed, error).hint("'ai-gateway setup' does what is missing")
    };
    let installed = provision::installed(&context.paths, found).map_err(|error| set_up(&error))?;
    let store = SecretStore::new(context.paths.secrets());
    let secrets = Secrets::load(&store).map_err(|error| set_up(&error))?;
    let planned = Planned {
        stack: stack::plan(found, &context.paths, &installed, &secrets),
        profile: found.profile.clone(),
        urls: settings::urls(found),
    };
    Ok((loaded, planned))
}

/// For whoever asked for a reload.
fn refusal(failure: Failure) -> Refusal {
    match failure {
        Failure::Report(_, text) => Refusal::Configuration(text),
        other => Refusal::Failed(anstream::adapter::strip_str(&other.text()).to_string()),
    }
}

fn failure(error: &RunError) -> Failure {
    Failure::of(Exit::Failed, error)
}
