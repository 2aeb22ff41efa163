//! Whether systemd knows the gateway.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{
    facts::Mode,
    fix::{root, systemctl},
};

pub(super) const CHECK: Check = Check {
    id: "unit",
    group: Group::Systemd,
    title: "Unit",
    looks: "Whether the manager knows ai-gateway.service and starts it at boot.",
    why: "Without the unit nothing starts the gateway at boot, and no limit is enforced.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    if facts.scope.mode == Mode::Folder {
        return Verdict::ok("a gateway in a folder of its own is none of systemd's");
    }
    if !facts.systemd.booted {
        return Verdict::ok("there is none without systemd");
    }
    let Some(unit) = &facts.systemd.unit else {
        let uid = facts.scope.uid.unwrap_or_default();
        // The bus is there, but its path is not known to whoever asks.
        let lost = facts.systemd.user_bus && facts.systemd.runtime_dir.is_none();
        return Verdict::warning("no manager answers that could know it")
            .fix(lost.then(|| format!("export XDG_RUNTIME_DIR=/run/user/{uid}")));
    };
    let reload = || systemctl(facts, "daemon-reload");
    match unit.load.as_str() {
        "loaded" => {}
        "not-found" => {
            let folder = "# in the project's folder";
            return Verdict::warning("ai-gateway.service is not installed")
                .fix(format!("./quickstart  {folder}"));
        }
        "masked" => {
            return Verdict::problem("ai-gateway.service is masked")
                .fix(systemctl(facts, "unmask ai-gateway"));
        }
        other => {
            return Verdict::problem(format!("ai-gateway.service is not loaded ({other})")).fix(
                format!("{} && {}", reload(), systemctl(facts, "status ai-gateway")),
            );
        }
    }
    if unit.active == "failed" {
        let why = match facts.scope.mode {
            Mode::System => root(facts, "journalctl -xeu ai-gateway"),
            Mode::User | Mode::Folder => "journalctl --user -xeu ai-gateway".to_owned(),
        };
        return Verdict::problem("ai-gateway.service has failed").fix(why);
    }
    match unit.file.as_str() {
        "enabled" | "enabled-runtime" | "static" | "linked" | "alias" => Verdict::ok(format!(
            "ai-gateway.service is {} and {}",
            unit.file, unit.active
        )),
        other => Verdict::warning(format!(
            "ai-gateway.service is {other}: it is not started at boot"
        ))
        .fix(systemctl(facts, "enable ai-gateway")),
    }
}
