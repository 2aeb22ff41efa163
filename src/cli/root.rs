//! The daemon never runs as root, and says how to start it instead.

use super::{
    context::Context,
    failure::{CommandExit, Failure},
    owner::Owner,
};

/// Refuses `verb` to root.
pub(super) fn refuse(context: &Context, verb: &str) -> Result<(), Failure> {
    if !context.user.is_root() {
        return Ok(());
    }
    let owner = Owner::find(context);
    Err(refusal(verb, &owner.name, owner.uid.is_some()))
}

fn refusal(verb: &str, user: &str, known: bool) -> Failure {
    let failure = Failure::new(
        CommandExit::NotPermitted,
        "ai-gateway does not run as root: nothing in it needs that, and the database refuses it",
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
        error: ai-gateway does not run as root: nothing in it needs that, and the database refuses it
        hint: runuser -u gw -- ai-gateway start
        ");
        insta::assert_snapshot!(text(false), @"
        error: ai-gateway does not run as root: nothing in it needs that, and the database refuses it
        hint: make a user for it: useradd --system --user-group --home-dir /var/lib/ai-gateway --create-home gw
        hint: runuser -u gw -- ai-gateway start
        ");
        assert_eq!(refusal("start", "gw", true).code(), 77);
    }
}
