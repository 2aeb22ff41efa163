//! Refuses a gateway that other users could change, before anything of it is read.

use std::path::PathBuf;

use nix::{
    sys::stat::{Mode, umask},
    unistd::User,
};

use super::{
    context::Context,
    failure::{Exit, Failure},
    root,
};
use crate::{
    config::exposed::Reader,
    trust::{self, Untrusted, Who},
};

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
    let Some(who) = who(context) else {
        return Ok(());
    };
    let paths = context.paths.trusted();
    trust::check(paths.iter().map(PathBuf::as_path), who)?;
    Ok(())
}

/// Whose gateway it is; none: there is no such user yet.
fn who(context: &Context) -> Option<Who> {
    if !context.user.is_root() {
        return Some(Who::of(context.user));
    }
    let user = User::from_name(&root::gateway_user()).ok().flatten()?;
    Some(Who::of(user.uid))
}

/// Whom the configuration is for.
pub(super) fn reader(context: &Context) -> Reader {
    let user = if context.user.is_root() {
        User::from_name(&root::gateway_user())
    } else {
        User::from_uid(context.user)
    };
    let user = user.ok().flatten();
    Reader {
        uid: user.as_ref().map_or(context.user, |user| user.uid).as_raw(),
        gid: user.map(|user| user.gid.as_raw()),
    }
}

impl From<Untrusted> for Failure {
    fn from(error: Untrusted) -> Self {
        Self::of(Exit::Configuration, &error).hint(error.hint())
    }
}
