//! Refuses a gateway that other users could change, before anything of it is read.

use std::path::PathBuf;

use nix::sys::stat::{Mode, umask};

use super::{
    context::Context,
    failure::{CommandExit, Failure},
    owner::Owner,
};
use crate::{
    services,
    trust::{self, Untrusted, Who},
};

/// Sets the umask, so that files which we and our children make are private whatever umask we were started
/// with. A file that others are to read gets its mode explicitly.
pub(super) fn keep_to_ourselves() {
    let _before = umask(Mode::S_IRWXG | Mode::S_IRWXO);
}

/// Refuses a gateway that other users could change.
///
/// # Errors
/// Everything that others could change, with the commands that prevent it.
pub(super) fn check(context: &Context) -> Result<(), Failure> {
    let Some(user) = Owner::find(context).uid else {
        return Ok(());
    };
    let data = context.paths.data_folders(&services::schema().built_in);
    let paths = context.paths.trusted(data);
    trust::check(paths.iter().map(PathBuf::as_path), Who::of(user))?;
    Ok(())
}

impl From<Untrusted> for Failure {
    fn from(error: Untrusted) -> Self {
        Self::of(CommandExit::Configuration, &error).hint(error.hint())
    }
}
