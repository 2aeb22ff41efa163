//! `ai-gateway status`: what runs, for how long, and what it takes.

use serde_json::json;

use super::{
    absent::Absent,
    context::{Context, Screen, now, print, tell},
    failure::{Exit, Failure},
    settings, table, watch,
};
use crate::control::{
    client::ClientError,
    types::{GatewayState, GatewayStatus},
};

/// Show what runs and what it takes
///
/// Shows each service's state and since when, its restarts, its memory against its limit and its
/// CPU, the addresses, and why something is not as it should be.
///
/// Exits with 69 if ai-gateway is not running.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object; with --watch, one a line for each change
    #[arg(long)]
    json: bool,
    /// Keep showing it until Ctrl-C
    #[arg(long, short)]
    watch: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let mut client = match context.connect() {
        Ok(client) => client,
        Err(ClientError::NotRunning { .. }) => return Err(stopped(args.json, context)?),
        Err(other) => return Err(other.into()),
    };
    if args.watch {
        return watch::run(client, context, args.json);
    }
    let status = client.status()?;
    if args.json {
        print(pretty(&status)?)
    } else {
        let screen = Screen::find();
        print(picture(&status, screen))
    }
}

/// That it is stopped is an answer and goes where answers go; what to do about it does not.
fn stopped(as_json: bool, context: &Context) -> Result<Failure, Failure> {
    let absent = Absent::find(context);
    if absent.is_elsewhere() {
        let failure = Failure::new(absent.exit(), absent.what());
        let hints = absent.hints("status").into_iter();
        return Ok(hints.fold(failure, Failure::hint));
    }
    if !as_json {
        print(format!("{}\n", absent.what()))?;
        for hint in absent.hints("status") {
            tell(format!("hint: {hint}\n"));
        }
        return Ok(Failure::Said(Exit::NotRunning));
    }
    // A configuration that is wrong is no reason not to say that nothing runs.
    let settings = settings::read(context, &[])
        .map(|loaded| loaded.settings)
        .ok();
    let status = json!({
        "state": GatewayState::Stopped,
        "profile": settings.as_ref().map(|settings| &settings.profile),
        "limits": { "enforced": false, "reason": "ai-gateway is not running" },
        "urls": settings.as_ref().map(settings::urls),
        "services": {},
    });
    print(pretty(&status)?)?;
    Ok(Failure::Said(Exit::NotRunning))
}

/// JSON for a person's eyes and a script's parser.
pub(super) fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|e| Failure::of(Exit::Failed, &e))
}

fn picture(status: &GatewayStatus, screen: Screen) -> String {
    table::lines(status, screen, now(), None)
        .iter()
        .map(|line| line.render(usize::MAX) + "\n")
        .collect()
}
