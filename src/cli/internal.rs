//! `ai-gateway internal`: commands that services and systemd's reload run. They are not for people and not
//! in the help. Their output is in the log of the service or of the unit that runs them.

use clap::Command;

use super::{completions, failure::Failure, reread, stack::after_start};

/// Commands that the daemon runs by itself
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    #[command(flatten)]
    OfServices(after_start::Verb),
    /// Have the daemon read the configuration again, and wait until that is done
    Reload,
    /// Print what may stand in the place of the last word of a command line
    Complete {
        /// The words after the program's name
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

pub(super) fn run(args: &Args, root: &Command) -> Result<(), Failure> {
    match &args.verb {
        Verb::OfServices(verb) => after_start::run(*verb),
        Verb::Complete { words } => completions::answer(root, words),
        // This is not the verb `reload`: that one asks systemd, and systemd has started this command.
        Verb::Reload => reread::told(&super::context::Context::find()?),
    }
}
