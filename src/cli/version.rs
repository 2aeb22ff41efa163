//! `ai-gateway version`: which program this is.

use serde_json::json;

use super::{context::print, failure::Failure, status::pretty};

/// Print the version
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if args.json {
        return print(pretty(&json!({ "version": version }))?);
    }
    print(format!("ai-gateway {version}\n"))
}
