//! Refuses a gateway that other users could change, before anything of it is read.

use std::path::PathBuf;

use nix::sys::stat::{Mode, umask};

use super::{
    context::Context,
    failure::{Exit, Failure},
    owner::Owner,
};
use crate::trust::{self, Untrusted, Who};

/// What we and our children make is ours alone, whatever umask we were started with. Where others
/// are to read something its mode is set.
pub(super) fn keep_to_ourselves() {
    let _before = umask(Mode::S_IRWXG | Mode::S_IRWXO);
}

/// Refuses what others could change.
///
/// # Errors
/// All of it, with the commands that end it.
pub(super) fn check(context: &Context) -> Result<(), Failure> {
    let Some(user) = Owner::find(context).uid else {
        return Ok(());
    };
    let paths = context.paths.trusted();
    trust::check(paths.iter().map(PathBuf::as_path), Who::of(user))?;
    Ok(())
}

impl From<Untrusted> for Failure {
    fn from(error: Untrusted) -> Self {
        Self::of(Exit::Configuration, &error).hint(error.hint())
    }
}
