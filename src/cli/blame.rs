//! `ai-gateway blame`: where the time of the last start went.

use supervise::spec::ServiceName;

use super::{
    context::{Context, Screen, now, print},
    failure::{CommandExit, Failure},
    status::pretty,
};
use crate::control::types::{Call, Reply};

mod picture;

/// Show where the time of the last start went
///
/// Shows for each service how long it took from its launch until it was ready, the slowest first:
/// the wait for what it requires (which does not count), the imports and the start of an
/// application in Python, the time until its probe passed, and the command that runs after that.
/// Below is the chain of services that the whole start waited for: "@" is when a service was ready,
/// "+" is how long that took.
///
/// With SERVICE, the steps of its newest start. Exits with 69 if ai-gateway is not running.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service; without it, the last start of everything
    #[arg(value_parser = ServiceName::new)]
    service: Option<ServiceName>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let call = Call::Blame(args.service.clone());
    let Reply::Blame(blame) = context.connect()?.ask(&call)? else {
        return Err(Failure::new(
            CommandExit::Failed,
            "the daemon answered something else",
        ));
    };
    if args.json {
        return print(pretty(&blame)?);
    }
    let screen = Screen::find();
    let lines = match &args.service {
        Some(service) => picture::one(service, &blame, screen, now()),
        None => picture::whole(&blame, screen, now()),
    };
    let text: String = lines
        .iter()
        .map(|line| line.render(screen.width) + "\n")
        .collect();
    print(text)
}
