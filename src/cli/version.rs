//! `ai-gateway version`: which program this is, and what it runs.

use serde_json::json;

use super::{
    about,
    context::{Context, print},
    failure::Failure,
    status::pretty,
};
use crate::{provision, services};

/// The arguments of `ai-gateway version`.
#[derive(Debug, clap::Args)]
#[command(about = about::version(), long_about = None)]
pub(super) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    // The version is told even where there is no place for a gateway.
    let paths = Context::find().ok().map(|context| context.paths);
    let parts = provision::versions(services::catalog(), paths.as_ref());
    if args.json {
        let parts = parts.iter().map(|part| {
            let told = json!({ "version": part.version, "installed": part.installed });
            (part.key, told)
        });
        let parts: std::collections::BTreeMap<_, _> = parts.collect();
        return print(pretty(&json!({ "version": version, "parts": parts }))?);
    }
    let parts = parts.iter().map(|part| {
        let note = if part.installed {
            ""
        } else {
            " (not installed yet)"
        };
        format!("{} {}{note}\n", part.name, part.version)
    });
    print(format!(
        "ai-gateway {version}\n{}",
        parts.collect::<String>()
    ))
}
