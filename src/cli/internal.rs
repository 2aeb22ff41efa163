//! `ai-gateway internal`: what the daemon has its services run, and systemd for a reload. Not for
//! people, and not in the help; what it prints is in LiteLLM's log or in the unit's.

use super::{
    completions,
    context::{print, tell, variable},
    failure::{Exit, Failure},
    reload,
};
use crate::{
    control::{client::Client, types::Call},
    services::litellm::after_start::{self, Arguments, demo::DemoOutcome, webui_key::KeyOutcome},
};

/// Commands that the daemon runs by itself
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make Open WebUI's key and the demo model be there, once LiteLLM answers
    EnsureWebuiKey,
    /// Have the daemon read the configuration again, and wait until that is done
    Reload,
    /// Print what may stand in the place of the last word of a command line
    Complete {
        /// The words after the program's name
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let told = || Arguments::read(variable).map_err(|e| Failure::of(Exit::Usage, &e));
    match &args.verb {
        Verb::EnsureWebuiKey => ensure_webui_key(&told()?),
        Verb::Complete { words } => completions::answer(words),
        // Not the verb that people type: that one asks systemd, which is who asks here.
        Verb::Reload => reload::told(&super::context::Context::find()?),
    }
}

fn ensure_webui_key(told: &Arguments) -> Result<(), Failure> {
    let done = after_start::run(told).map_err(|e| Failure::of(Exit::Failed, &e))?;
    if let Some(error) = &done.connection_error {
        tell(Failure::of(Exit::Failed, error).text());
    }
    let key = match done.key {
        Some(KeyOutcome::Registered) => "Open WebUI's key was registered\n",
        Some(KeyOutcome::Replaced) => "Open WebUI's key had been revoked and was replaced\n",
        Some(KeyOutcome::Kept) | None => "",
    };
    let demo = match done.demo {
        DemoOutcome::Made => "the demo model was made\n",
        DemoOutcome::Removed => "the demo model was removed\n",
        DemoOutcome::Kept => "",
    };
    print(format!("{key}{demo}"))?;
    if done.key == Some(KeyOutcome::Replaced) {
        // The daemon reads the secrets again and starts Open WebUI with them. Until that is done
        // Open WebUI does without embeddings: no reason for LiteLLM not to be ready, so nobody
        // waits for the answer.
        let asked = Client::connect(&told.control).and_then(|mut it| it.begin(&Call::Reload(None)));
        if let Err(error) = asked {
            tell(Failure::of(Exit::Failed, &error).text());
        }
    }
    Ok(())
}
