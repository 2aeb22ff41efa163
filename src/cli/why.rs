//! `ai-gateway why`: explains a service's current state.

use supervise::{effect::StateName, spec::ServiceName};

use super::{
    context::{Context, now, print},
    failure::{CommandExit, Failure},
    status::{lacks, pretty},
    table,
    text::{self, BOLD, DIM, Line},
};
use crate::control::types::{Call, Reply, Why};

/// Explain a service's current state
///
/// Shows the latest changes of its state, the oldest first, each with the reason: an exit and its
/// code, a signal, out of memory, a probe that failed and what it said, or somebody's request.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service
    #[arg(value_parser = ServiceName::new)]
    service: ServiceName,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let reply = context.connect()?.ask(&Call::Why(args.service.clone()))?;
    let Reply::Why(why) = reply else {
        return Err(Failure::new(
            CommandExit::Failed,
            "the daemon answered something else",
        ));
    };
    if args.json {
        return print(pretty(&why)?);
    }
    let text: String = lines(&why, now())
        .iter()
        .map(|line| line.render(usize::MAX) + "\n")
        .collect();
    print(text + &lacks(context))
}

fn lines(why: &Why, now: std::time::SystemTime) -> Vec<Line> {
    let Why {
        service,
        status,
        history,
    } = why;
    let since = text::ago(&status.since, now);
    let mut lines = vec![
        Line::new()
            .and(BOLD, service.as_str())
            .plain(": ")
            .and(table::style(status.state), status.state.as_str())
            .plain(format!(" for {since} ({})", status.reason)),
    ];
    if status.restarts > 0 {
        lines.push(Line::new().plain(format!(
            "unplanned restarts since the daemon began: {}",
            status.restarts
        )));
    }
    if let Some(why) = &status.outdated {
        lines.push(Line::new().plain(format!("goes on with its old files: {why}")));
    }
    if !status.listens.is_empty() {
        lines.push(Line::new().plain(format!("listens on {}", status.listens.join(", "))));
    }
    lines.push(Line::new());
    let times: Vec<String> = history
        .iter()
        .map(|entry| text::ago(&entry.at, now) + " ago")
        .collect();
    let width = times.iter().map(String::len).max().unwrap_or(0);
    lines.extend(history.iter().zip(times).map(|(entry, time)| {
        Line::new()
            .and(DIM, format!("{time:>width$}  "))
            .and(table::style(entry.state), format!("{:<11}  ", entry.state))
            .plain(&entry.reason)
    }));
    if matches!(
        status.state,
        StateName::Failed | StateName::BackingOff | StateName::Unhealthy
    ) {
        lines.push(Line::new());
        lines.push(Line::new().and(DIM, format!("what it logged: ai-gateway logs {service}")));
    }
    lines
}
