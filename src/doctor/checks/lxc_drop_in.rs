//! What LXC takes away from services.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{facts::Mode, fix::roots};

pub(super) const CHECK: Check = Check {
    id: "lxc-drop-in",
    group: Group::Systemd,
    title: "LXC drop-in",
    looks: "Whether zzz-lxc-service.conf is among the drop-ins for every service, and what \
        it empties or switches off.",
    why: "LXC's tools put it there so that old units start in a container. It blanks \
        credentials and takes the hardening from every unit of the system, the \
        gateway's too. Nothing of the gateway rests on those alone.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let Some(drop_in) = &facts.systemd.lxc_drop_in else {
        return Verdict::ok("none");
    };
    let file = drop_in.file.display();
    if drop_in.masked {
        return Verdict::ok(format!("{file}, but not for the gateway's unit"));
    }
    let takes = match drop_in.takes.as_slice() {
        [] => return Verdict::ok(format!("{file} takes nothing away")),
        takes => takes.join(", "),
    };
    let verdict = Verdict::warning(format!("{file} takes from every unit: {takes}"));
    if facts.scope.mode != Mode::System {
        return Verdict::ok(format!("{file}, which is only for units of the system"));
    }
    verdict.fix(roots(
        facts,
        &[
            "mkdir -p /etc/systemd/system/ai-gateway.service.d",
            "ln -sf /dev/null /etc/systemd/system/ai-gateway.service.d/zzz-lxc-service.conf",
            "systemctl daemon-reload",
        ],
    ))
}
