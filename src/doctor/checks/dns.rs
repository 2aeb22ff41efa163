//! Whether names resolve.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::{facts::ProgramAnswer, fix::roots};

pub(super) const CHECK: Check = Check {
    id: "dns",
    group: Group::Network,
    title: "Names (DNS)",
    looks: "Whether /etc/resolv.conf names a server, and whether the system's resolver \
        finds example.com. Behind a proxy it need not.",
    why: "Without names neither set-up nor a provider is reached. A gateway with local \
        models alone does without.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let machine = &facts.machine;
    let Some(servers) = &machine.nameservers else {
        return Verdict::warning("there is no /etc/resolv.conf");
    };
    let by = match servers.as_slice() {
        // glibc then asks this machine itself (resolv.conf(5)).
        [] => "/etc/resolv.conf names no server".to_owned(),
        servers => servers.join(", "),
    };
    let proxy = machine
        .proxies
        .keys()
        .any(|name| !name.to_lowercase().starts_with("no_"));
    match &machine.resolves {
        ProgramAnswer::Said(_) => Verdict::ok(format!("names resolve ({by})")),
        ProgramAnswer::Missing => Verdict::warning(format!("no getent to try with ({by})")),
        ProgramAnswer::Failed(_) | ProgramAnswer::Late if proxy => Verdict::ok(format!(
            "names do not resolve here ({by}), which is the proxy's to do"
        )),
        ProgramAnswer::Failed(_) => {
            Verdict::warning(format!("names do not resolve ({by})")).fix(mend(facts))
        }
        ProgramAnswer::Late => Verdict::warning(format!("nobody answers ({by})")).fix(mend(facts)),
    }
}

/// Where systemd-resolved is to answer, it can be started anew. Who else is to answer, only the
/// network's owner knows.
fn mend(facts: &Facts) -> Option<String> {
    let servers = facts.machine.nameservers.as_deref().unwrap_or_default();
    let resolved = servers.iter().any(|server| server == "127.0.0.53");
    resolved.then(|| roots(facts, &["systemctl restart systemd-resolved"]))
}
