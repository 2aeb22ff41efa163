//! `ai-gateway man`: the manual, from the same definitions as the help.

use std::{fs, path::PathBuf};

use clap::Command;

use super::{
    context::print,
    failure::{CommandExit, Failure},
};

/// Write the manual pages into a folder
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder; it is made if it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the pages of `root`.
pub(super) fn run(args: &Args, root: Command) -> Result<(), Failure> {
    let folder = &args.folder;
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(root, folder))
        .map_err(|e| {
            let what = format!("cannot write manual pages into {}", folder.display());
            Failure::new(CommandExit::Failed, what).cause(e.to_string())
        })?;
    print(format!("Manual pages are in {}.\n", folder.display()))
}
