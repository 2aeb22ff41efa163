//! The daemon never runs as root, and says how to start it instead.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use nix::unistd::{Uid, User};

use super::{
    context::{Context, SYSTEM_USER, variable},
    failure::{Exit, Failure},
};

/// Refuses `verb` to root.
pub(super) fn refuse(context: &Context, verb: &str) -> Result<(), Failure> {
    if !context.user.is_root() {
        return Ok(());
    }
    let user = gateway_user();
    let known = User::from_name(&user).is_ok_and(|user| user.is_some());
    Err(refusal(verb, &user, known))
}

/// Whose gateway it is that root asks about.
pub(super) fn gateway_user() -> String {
    let home = variable("AI_GATEWAY_HOME").filter(|home| !home.is_empty());
    let owner = home.as_deref().and_then(|home| owner(Path::new(home)));
    owner.unwrap_or_else(|| SYSTEM_USER.to_owned())
}

/// Whose folder it is, unless it is root's.
fn owner(folder: &Path) -> Option<String> {
    let uid = Uid::from_raw(fs::metadata(folder).ok()?.uid());
    let user = User::from_uid(uid).ok()??;
    (!uid.is_root()).then_some(user.name)
}

fn refusal(verb: &str, user: &str, known: bool) -> Failure {
    let failure = Failure::new(
        Exit::NotPermitted,
        "ai-gateway does not run as root: nothing in it needs that, and PostgreSQL refuses it",
    );
    let failure = if known {
        failure
    } else {
        failure.hint(format!(
            "make a user for it: useradd --system --user-group \
             --home-dir /var/lib/ai-gateway --create-home {user}"
        ))
    };
    // runuser keeps the environment, AI_GATEWAY_HOME in it.
    failure.hint(format!("runuser -u {user} -- ai-gateway {verb}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_told_what_to_type() {
        let text =
            |known| anstream::adapter::strip_str(&refusal("start", "gw", known).text()).to_string();
        insta::assert_snapshot!(text(true), @"
        error: ai-gateway does not run as root: nothing in it needs that, and PostgreSQL refuses it
        hint: runuser -u gw -- ai-gateway start
        ");
        insta::assert_snapshot!(text(false), @"
        error: ai-gateway does not run as root: nothing in it needs that, and PostgreSQL refuses it
        hint: make a user for it: useradd --system --user-group --home-dir /var/lib/ai-gateway --create-home gw
        hint: runuser -u gw -- ai-gateway start
        ");
        assert_eq!(refusal("start", "gw", true).code(), 77);
    }
}
