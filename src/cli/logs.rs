//! `ai-gateway logs`: what the services say, from the journal or from our own files.

mod files;
mod follow;
mod journal;

use std::collections::BTreeSet;

use serde::Serialize;
use supervise::spec::ServiceName;

use super::{
    absent::Absent,
    context::{Context, print},
    failure::{Exit, Failure},
    systemd::Manager,
    text::{self, DIM},
};
use crate::logs::prefix;

/// Show what the services and the daemon say
///
/// From the journal where a unit is installed, otherwise from the gateway's own files. Times are
/// in UTC. The daemon's own log is called ai-gateway.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service, or ai-gateway; without it, all of them
    #[arg(value_parser = ServiceName::new)]
    service: Option<ServiceName>,
    /// Go on with new lines until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Begin with the last N lines
    #[arg(
        long,
        short = 'n',
        value_name = "N",
        default_value_t = 100,
        allow_negative_numbers = true,
        value_parser = number_of_lines
    )]
    lines: usize,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

fn number_of_lines(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| {
        "expected a number of lines such as 20; 0 shows none of those that there are".to_owned()
    })
}

/// One line that somebody said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Entry {
    /// When, RFC 3339 with microseconds, so that text sorts as time does.
    time: String,
    /// Who.
    service: String,
    /// What.
    message: String,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let printer = Printer { json: args.json };
    if let Some(manager) = Manager::find(context) {
        return journal::show(args, manager, &printer);
    }
    let folder = context.paths.logs();
    let known = files::names(&folder);
    if known.is_empty() {
        let what = format!("there are no logs in {}", folder.display());
        return Err(Absent::find(context).failure("logs", Failure::new(Exit::Failed, what)));
    }
    let only = args.service.as_ref().map(ServiceName::as_str);
    if let Some(name) = only
        && !known.contains(name)
    {
        return Err(unknown(name, &known));
    }
    if args.follow {
        return follow::run(&folder, only, args.lines, &printer);
    }
    let mut logs = files::open(&folder, only)?;
    printer.print(&files::last(&folder, &mut logs, args.lines)?)
}

fn unknown(name: &str, known: &BTreeSet<String>) -> Failure {
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    Failure::new(Exit::Usage, format!("there is no log of {name}"))
        .hint(format!("there are logs of {}", text::list(&names)))
}

/// How lines are shown.
#[derive(Debug, Clone, Copy)]
struct Printer {
    json: bool,
}

impl Printer {
    fn print(&self, entries: &[Entry]) -> Result<(), Failure> {
        let text: String = entries.iter().map(|entry| self.line(entry)).collect();
        print(text)
    }

    fn line(&self, entry: &Entry) -> String {
        if self.json {
            return serde_json::to_string(entry).expect("an entry is plain text") + "\n";
        }
        // The day is there with --json; a person mostly looks at what happened just now.
        let time = entry
            .time
            .get(11..19)
            .map_or_else(|| entry.time.clone(), |time| format!("{time}Z"));
        let name = prefix(&entry.service);
        format!("{DIM}{time}{DIM:#} {name}{}\n", entry.message)
    }
}

#[cfg(test)]
mod tests;
