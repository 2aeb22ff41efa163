//! Whether the proxy variables are sound.

use super::{Check, Facts, Group, Verdict};
use crate::doctor::fix::quote;

pub(super) const CHECK: Check = Check {
    id: "proxy",
    group: Group::Network,
    title: "Proxy",
    looks: "http_proxy, https_proxy, all_proxy and no_proxy, in small and capital letters: \
        whether the two agree, are addresses, and leave loopback out.",
    why: "Set-up downloads by way of them. Programs differ in which spelling they read, \
        and a proxy that is asked for 127.0.0.1 does not find it.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let set = &facts.machine.proxies;
    // Values may hold passwords, so the commands name variables and not what is in them.
    for (name, value) in set {
        let other = name.to_uppercase();
        let differs = other != *name && set.get(&other).is_some_and(|loud| loud != value);
        if differs {
            return Verdict::warning(format!("{name} and {other} are not the same"))
                .fix(format!("export {other}=\"${name}\""));
        }
        if !value.contains("://") && !name.eq_ignore_ascii_case("no_proxy") {
            return Verdict::warning(format!("{name} is no address such as http://proxy:3128"))
                .fix(format!("export {name}=\"http://${name}\""));
        }
    }
    let proxies: Vec<&str> = set
        .keys()
        .map(String::as_str)
        .filter(|name| !name.eq_ignore_ascii_case("no_proxy"))
        .collect();
    if proxies.is_empty() {
        return Verdict::ok("none is set");
    }
    let exceptions = set.get("no_proxy").or_else(|| set.get("NO_PROXY"));
    let exceptions = exceptions.map(String::as_str).unwrap_or_default();
    let spared = exceptions.split(',').map(str::trim);
    let loopback = ["127.0.0.1", "localhost", "*", "127.0.0.0/8"];
    if spared.into_iter().any(|host| loopback.contains(&host)) {
        return Verdict::ok(format!("{} set, loopback is spared", proxies.join(", ")));
    }
    let all = [exceptions, "localhost,127.0.0.1,::1"].map(|part| part.trim_matches(','));
    let all = all
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(",");
    Verdict::warning(format!(
        "{} set, and no_proxy does not spare loopback",
        proxies.join(", ")
    ))
    .fix(format!("export no_proxy={0} NO_PROXY={0}", quote(&all)))
}
