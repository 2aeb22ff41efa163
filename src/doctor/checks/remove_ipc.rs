//! Whether a logout takes the database its memory.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{
    facts::Mode,
    fix::{quote, root},
};

pub(super) const CHECK: Check = Check {
    id: "remove-ipc",
    group: Group::Systemd,
    title: "RemoveIPC",
    looks: "For a person's gateway: logind's RemoveIPC, which is on by default. One who \
        lingers, and a system user, never count as gone.",
    why: "When a user has gone, logind removes their shared memory, and a database server \
        that works in it crashes.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let remove = &facts.systemd.remove_ipc;
    let by = match &remove.file {
        Some(file) => format!("by {}", file.display()),
        None => "by default".to_owned(),
    };
    if !facts.systemd.booted {
        return Verdict::ok("there is no logind without systemd");
    }
    if !remove.removes {
        return Verdict::ok(format!("off, {by}"));
    }
    let system_user = facts.scope.uid.is_some_and(|uid| uid < FIRST_PERSON);
    if facts.scope.mode == Mode::System || system_user {
        return Verdict::ok(format!("on, {by}, but not for a system user"));
    }
    if facts.systemd.linger {
        return Verdict::ok(format!("on, {by}, but not for one who lingers"));
    }
    let user = &facts.scope.user;
    Verdict::warning(format!("on, {by}, and {user} does not linger")).fix(root(
        facts,
        &format!("loginctl enable-linger {}", quote(user)),
    ))
}

/// Where the numbers of people begin (login.defs(5), UID_MIN).
const FIRST_PERSON: u32 = 1000;
