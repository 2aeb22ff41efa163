//! The command line: one file per verb, one place for the exit code and for what goes wrong.

mod about;
mod absent;
mod addresses;
mod blame;
mod completions;
mod config;
mod context;
mod detach;
mod doctor;
mod failure;
mod internal;
mod interrupted;
mod linger;
mod logs;
mod man;
mod owner;
mod preview;
mod profile;
mod progress;
mod prompt;
mod reload;
mod reread;
mod restart;
mod root;
mod run;
mod say;
mod secret;
mod settings;
mod setup;
mod stack;
mod start;
mod startup;
mod status;
mod stop;
mod systemd;
mod table;
mod text;
mod through;
mod trust;
mod unit;
mod version;
mod wait;
mod watch;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use absent::Absent;
use context::{Context, tell};
use failure::{CommandExit, Failure};
use stack::{admin, ask, budget, key};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "ai-gateway",
    about = "Run a self-hosted AI gateway without containers",
    long_about = about::program(),
    version,
    max_term_width = 80,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 69 not running, 77 not permitted, \
                  78 bad configuration, 130 interrupted.",
    after_long_help = "Environment:\n  \
        AI_GATEWAY_HOME  the folder of the whole gateway: gateway.toml, state and run\n  \
        NO_COLOR         no colours\n\n\
        Exit codes:\n  \
        0   done\n  1   failed\n  2   usage\n  69  not running\n  77  not permitted\n  \
        78  bad configuration\n  130 interrupted by Ctrl-C, 131 by Ctrl-\\\n  143 ended by SIGTERM, 129 by a closed terminal"
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Setup(setup::Args),
    Run(run::Args),
    Start(start::Args),
    Stop(stop::Args),
    Restart(restart::Args),
    Reload(reload::Args),
    Status(status::Args),
    Logs(logs::Args),
    Why(why::Args),
    Blame(blame::Args),
    Doctor(doctor::Args),
    Ask(ask::Args),
    Key(key::Args),
    Admin(admin::Args),
    Budget(budget::Args),
    Profile(profile::Args),
    Config(config::Args),
    Secret(secret::Args),
    Unit(unit::Args),
    Version(version::Args),
    Completions(completions::Args),
    Man(man::Args),
    #[command(hide = true)]
    Internal(internal::Args),
}

/// Carries out the command line and returns the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match run(&cli.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let failure = explained(failure);
            tell(failure.text());
            ExitCode::from(failure.code())
        }
    }
}

/// Adds to a failure that no daemon answers which gateway is meant and where it is.
fn explained(failure: Failure) -> Failure {
    match Context::find() {
        Ok(context) if failure.is_unexplained_absence() => {
            // The verb that was typed. Its options come after it and are of no use in a hint.
            let verb = std::env::args().nth(1).unwrap_or_default();
            Absent::find(&context).failure(&verb, failure)
        }
        Ok(_) | Err(_) => failure,
    }
}

/// Printing help or the version is no error, and neither is a closed pipe.
fn usage(error: &clap::Error) -> ExitCode {
    let _gone = error.print();
    if error.use_stderr() {
        ExitCode::from(CommandExit::Usage as u8)
    } else {
        ExitCode::SUCCESS
    }
}

fn run(verb: &Verb) -> Result<(), Failure> {
    // Not every verb needs a gateway, so each verb that does finds its paths itself.
    let context = Context::find;
    match verb {
        Verb::Setup(args) => setup::run(args, &context()?),
        Verb::Run(args) => run::run(args, &context()?),
        Verb::Start(args) => start::run(args, &context()?),
        Verb::Stop(args) => stop::run(args, &context()?),
        Verb::Restart(args) => restart::run(args, &context()?),
        Verb::Reload(args) => reload::run(args, &context()?),
        Verb::Status(args) => status::run(args, &context()?),
        Verb::Logs(args) => logs::run(args, &context()?),
        Verb::Why(args) => why::run(args, &context()?),
        Verb::Blame(args) => blame::run(args, &context()?),
        Verb::Doctor(args) => doctor::run(args, &context()?),
        Verb::Ask(args) => ask::run(args, &context()?),
        Verb::Key(args) => key::run(args, &context()?),
        Verb::Admin(args) => admin::run(args, &context()?),
        Verb::Budget(args) => budget::run(args, &context()?),
        Verb::Profile(args) => profile::run(args, &context()?),
        Verb::Secret(args) => secret::run(args, &context()?),
        Verb::Config(args) => config::run(args, &context()?),
        Verb::Unit(args) => unit::run(args, &context()?),
        Verb::Version(args) => version::run(args),
        Verb::Completions(args) => completions::run(args),
        Verb::Man(args) => man::run(args, Cli::command()),
        Verb::Internal(args) => internal::run(args, &Cli::command()),
    }
}

#[cfg(test)]
mod tests;
