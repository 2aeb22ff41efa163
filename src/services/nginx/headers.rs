//! Which headers say who a client is, and from whom they are believed.
//!
//! What is behind nginx believes nginx, so nginx says only what it knows itself: the address of its
//! peer, the scheme and the host that were asked for. Only where the peer is one of
//! `front.trusted_proxies` does its word count instead, and only then do headers by which a proxy
//! signs people in get through at all.

use crate::config::settings::Network;

/// Headers by which a proxy in front names the client or a user. From anybody else each is taken
/// away: LiteLLM, Open WebUI or a plug-in may be set up to believe it.
pub(in crate::services) const IDENTITY: [&str; 53] = [
    "Forwarded",
    "X-Forwarded-Port",
    "X-Forwarded-Server",
    "X-Forwarded-Prefix",
    "X-Forwarded-Path",
    "X-Forwarded-Uri",
    "X-Forwarded-Ssl",
    "X-Forwarded-Scheme",
    "X-Forwarded-Method",
    "X-Forwarded-Client-Cert",
    "X-Original-Forwarded-For",
    "X-Original-Host",
    "X-Original-Url",
    "X-Original-Uri",
    "X-Rewrite-Url",
    "X-Client-Ip",
    "X-Cluster-Client-Ip",
    "X-Real-Port",
    "X-Remote-Addr",
    "X-Remote-Ip",
    "X-Scheme",
    "Front-End-Https",
    "Client-Ip",
    "True-Client-Ip",
    "Cf-Connecting-Ip",
    "Fastly-Client-Ip",
    "Fly-Client-Ip",
    // Users, as OAuth2 Proxy, Authelia, authentik, Cloudflare, Tailscale and LiteLLM name them.
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "Remote-User",
    "Remote-Email",
    "Remote-Groups",
    "Remote-Name",
    "X-Remote-User",
    "X-User-Id",
    "X-User-Email",
    "X-User-Role",
    "Cf-Access-Authenticated-User-Email",
    "X-Openwebui-User-Id",
    "X-Openwebui-User-Email",
    "X-Openwebui-User-Name",
    "X-Openwebui-User-Role",
    "X-Openwebui-User-Jwt",
    // An example of a log-in by a proxy in LiteLLM, its plug-ins, and its guardrails. Its own
    // X-Litellm-User-Id is not among them: an agent says by it for whom it asks, and its key is then
    // held to what that user may do as well. Without it the key would do more.
    "X-Litellm-User-Email",
    "X-Litellm-User-Role",
    "X-Aim-User-Email",
    "X-Cato-User-Email",
    "X-Qostodian-Nexus-Identifiers-Identity",
];

/// For nginx's `http`: what the variables of [`proxied`] stand for.
pub(super) fn http(trusted: &[Network]) -> String {
    if trusted.is_empty() {
        return "\
    # Nobody's word on who the client is counts.
    map '' $scheme_of_client { default $scheme; }
    map '' $host_of_client { default $http_host; }
"
        .to_owned();
    }
    let from: String = trusted
        .iter()
        .map(|network| format!("    set_real_ip_from {network};\n"))
        .collect();
    let list: String = trusted
        .iter()
        .map(|network| format!(" {network} 1;"))
        .collect();
    let identity: String = IDENTITY
        .iter()
        .map(|header| {
            let name = variable(header);
            format!(
                "    map $from_trusted_proxy $trusted_{name} {{ default ''; 1 $http_{name}; }}\n"
            )
        })
        .collect();
    format!(
        "    # front.trusted_proxies: whose word on who the client is counts.
{from}    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
    geo $realip_remote_addr $from_trusted_proxy {{ default 0;{list} }}
    map \"$from_trusted_proxy $http_x_forwarded_proto\" $scheme_of_client {{ default $scheme; \"1 http\" http; \"1 https\" https; }}
    map \"$from_trusted_proxy $http_x_forwarded_host\" $host_of_client {{ default $http_host; \"~^1 (?<forwarded_host>[A-Za-z0-9._:\\[\\]-]+)$\" $forwarded_host; }}
    variables_hash_max_size 2048;
{identity}"
    )
}

/// What goes to whoever is behind, wherever a location has headers of its own: nginx takes those
/// of `server` only where there are none.
pub(super) fn proxied(trusted: &[Network], indent: &str) -> String {
    let mut lines = vec![
        "proxy_set_header Host $host_of_client;".to_owned(),
        "proxy_set_header X-Real-IP $remote_addr;".to_owned(),
        "proxy_set_header X-Forwarded-For $remote_addr;".to_owned(),
        "proxy_set_header X-Forwarded-Host $host_of_client;".to_owned(),
        "proxy_set_header X-Forwarded-Proto $scheme_of_client;".to_owned(),
        "proxy_set_header Connection $connection_upgrade;".to_owned(),
        "proxy_set_header Upgrade $http_upgrade;".to_owned(),
    ];
    // An empty value takes the header away.
    lines.extend(IDENTITY.iter().map(|header| match trusted {
        [] => format!("proxy_set_header {header} '';"),
        _ => format!("proxy_set_header {header} $trusted_{};", variable(header)),
    }));
    lines
        .iter()
        .map(|line| format!("{indent}{line}\n"))
        .collect()
}

/// A header's name as nginx has it in variables.
fn variable(header: &str) -> String {
    header.to_ascii_lowercase().replace('-', "_")
}
