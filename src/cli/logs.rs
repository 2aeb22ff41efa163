//! `ai-gateway logs`: what the services say, from the journal or from our own files.

mod args;
mod entry;
mod files;
mod follow;
mod journal;

use std::collections::BTreeSet;

use supervise::spec::ServiceName;

use self::entry::Printer;
use super::{
    absent::Absent,
    context::Context,
    failure::{CommandExit, Failure},
    systemd::Manager,
    text,
};

pub(super) use args::Args;

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let printer = Printer { json: args.json };
    if let Some(manager) = Manager::find(context) {
        return journal::show(args, manager, &printer);
    }
    let folder = context.paths.logs();
    let known = files::names(&folder);
    if known.is_empty() {
        let what = format!("there are no logs in {}", folder.display());
        return Err(Absent::find(context).failure("logs", Failure::new(CommandExit::Failed, what)));
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
    Failure::new(CommandExit::Usage, format!("there is no log of {name}"))
        .hint(format!("there are logs of {}", text::list(&names)))
}

#[cfg(test)]
mod tests;
