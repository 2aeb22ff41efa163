//! `ai-gateway internal ensure-webui-key`: what LiteLLM's specification runs once it answers. What it prints
//! is in LiteLLM's log.

use crate::{
    cli::{
        context::{print, tell, variable},
        failure::{CommandExit, Failure},
    },
    control::{client::Client, types::Call},
    services::litellm::after_start::{self, Arguments, demo::DemoOutcome, webui_key::KeyOutcome},
};

/// The hidden verbs of services.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(in crate::cli) enum Verb {
    /// Make Open WebUI's key and the demo model be there, once LiteLLM answers
    EnsureWebuiKey,
}

pub(in crate::cli) fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::EnsureWebuiKey => ensure_webui_key(),
    }
}

fn ensure_webui_key() -> Result<(), Failure> {
    let told = Arguments::read(variable).map_err(|e| Failure::of(CommandExit::Usage, &e))?;
    let done = after_start::run(&told).map_err(|e| Failure::of(CommandExit::Failed, &e))?;
    if let Some(error) = &done.connection_error {
        tell(Failure::of(CommandExit::Failed, error).text());
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
            tell(Failure::of(CommandExit::Failed, &error).text());
        }
    }
    Ok(())
}
