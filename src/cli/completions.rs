//! `ai-gateway completions`: what a shell needs to complete our commands.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, context::print, failure::Failure};

/// Print completions for a shell
///
/// For bash, in ~/.bashrc:
///
///   source <(ai-gateway completions bash)
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    print(script(args.shell))
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ai-gateway", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
