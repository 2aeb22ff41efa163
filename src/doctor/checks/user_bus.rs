//! Whether a person can talk to their own manager.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{
    facts::Mode,
    fix::{install, quote, root},
};

pub(super) const CHECK: Check = Check {
    id: "user-bus",
    group: Group::Systemd,
    title: "User bus",
    looks: "For a person's gateway: whether their manager runs, its bus is there, and \
        XDG_RUNTIME_DIR leads to it.",
    why: "systemctl --user goes by way of that bus. After su or sudo it is often there \
        and not found.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    if facts.scope.mode == Mode::System {
        return Verdict::ok("not needed for the machine's gateway");
    }
    let systemd = &facts.systemd;
    if !systemd.booted {
        return Verdict::ok("there is none without systemd");
    }
    let uid = facts.scope.uid.unwrap_or_default();
    let folder = format!("/run/user/{uid}");
    if !systemd.user_manager {
        let user = quote(&facts.scope.user);
        return Verdict::warning("no manager of this user runs")
            .fix(root(facts, &format!("loginctl enable-linger {user}")));
    }
    if !systemd.user_bus {
        let command = install(facts, "dbus-user-session", "dbus-daemon");
        return Verdict::warning(format!("there is no {folder}/bus")).fix(command);
    }
    match &systemd.runtime_dir {
        Some(set) if *set == folder => Verdict::ok(format!("{folder}/bus")),
        _ if facts.scope.root => Verdict::ok(format!("{folder}/bus")),
        Some(set) => Verdict::warning(format!("XDG_RUNTIME_DIR is {set} and not {folder}"))
            .fix(format!("export XDG_RUNTIME_DIR={folder}")),
        None => Verdict::warning("XDG_RUNTIME_DIR is not set")
            .fix(format!("export XDG_RUNTIME_DIR={folder}")),
    }
}
