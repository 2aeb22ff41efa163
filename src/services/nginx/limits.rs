//! What one client may take of nginx, so that there is something left for the others.
//!
//! nginx counts a connection against its address only once a request's head has come whole. Before
//! that there is nothing but the time that a head may take, and more connections than one client is
//! likely to open; idle connections nginx closes by itself when it needs room.

use std::fmt::Write as _;

use crate::services::process::QUEUE;

/// What a connection that has sent half a head takes at most, by the sizes of nginx's buffers and pools
/// and of the kernel's socket. An estimate, to be on the safe side.
const BYTES_OF_A_CONNECTION: u64 = 9_000;
/// What nginx takes without any connection.
const BYTES_AT_REST: u64 = 5_000_000;
/// Descriptors of a process that are no client's: listeners, its master, files that it sends.
const OTHER_FILES: u64 = 64;

/// How many sign-ins an address may try at once; one a minute comes back. Open WebUI refuses an
/// account's sign-ins to everybody after 15 in 3 minutes, LiteLLM an address's after 5 wrong ones:
/// one address alone must not get there for others.
const LOGINS_AT_ONCE: u32 = 11;

/// The most connections of a process, however much memory there is.
const MOST: u64 = 4096;

/// How many connections each of `workers` processes may have, a client's and that to the service
/// behind counted both. So at most half of all go to LiteLLM, whose socket has a queue for as many:
/// connections that would find it full while LiteLLM restarts fail at once.
pub(super) fn connections(memory: Option<u64>, workers: u32, open_files: Option<u64>) -> u32 {
    let by_memory = memory.map_or(u64::MAX, |bytes| {
        bytes.saturating_sub(BYTES_AT_REST) / BYTES_OF_A_CONNECTION / u64::from(workers.max(1))
    });
    let by_files = open_files.map_or(u64::MAX, |files| files.saturating_sub(OTHER_FILES));
    let by_queue = u64::from(2 * QUEUE / workers.max(1)).min(MOST);
    let least = by_memory.min(by_files).clamp(256, by_queue);
    u32::try_from(least).expect("it is at most MOST")
}

/// For nginx's `http`. Half a head and half a body do not stay, whoever sends them.
///
/// A client is an address of IPv4, or a /64 of IPv6: that is what one machine gets as a whole (RFC 4862,
/// RFC 6177), so it has as many addresses as it likes. `$limited` is made from the bytes of the address,
/// four or sixteen, which can be written in one way only. The expressions say where they end by `\A` and
/// `\z`, and `(?s)` lets a dot be any byte, that of a line feed too. In their order:
/// - IPv4 as IPv6 has it: mapped (RFC 4291), or by a translator (RFC 6052). In one /64 is all of IPv4.
/// - Link-local addresses, fe80::/10: all neighbours have the same prefix, so each counts alone.
/// - Every other address of IPv6 by its first half. What is left is IPv4.
pub(super) const HTTP: &str = r#"
    client_header_timeout 10s;
    client_body_timeout 30s;
    reset_timedout_connection on;
    map $binary_remote_addr $limited {
        default $binary_remote_addr;
        "~(?s)\A(?:\x00{10}\xff\xff|\x00\x64\xff\x9b\x00{8})(?<limited_ipv4>.{4})\z" $limited_ipv4;
        "~(?s)\A\xfe[\x80-\xbf].{14}\z" $binary_remote_addr;
        "~(?s)\A(?<limited_prefix>.{8}).{8}\z" $limited_prefix;
    }
    limit_conn_zone $limited zone=requests:1m;
    limit_conn_status 429;
    limit_conn_log_level info;
    map $request_method $login_of { default ''; POST $limited; }
    limit_req_zone $login_of zone=logins:1m rate=1r/m;
    limit_req_status 429;
    limit_req_log_level info;
"#;

/// For a `server`: a quarter of a process's connections for the requests that one address has under
/// way, and what it is told beyond that.
pub(super) fn server(connections: u32) -> String {
    let most = connections / 4;
    format!(
        r#"
        limit_conn requests {most};
        error_page 429 @too_many;
        location @too_many {{
            internal;
            default_type application/json;
            return 429 '{{"error":{{"message":"This address or network has {most} requests under way, and no more are taken from one.","type":"rate_limit_error","param":null,"code":"too_many_requests"}}}}\n';
        }}
{TOO_MANY_LOGINS}"#
    )
}

/// For each `server` with a place that takes passwords: what one address is told that tries too many.
pub(super) const TOO_MANY_LOGINS: &str = r#"        location @too_many_logins {
            internal;
            default_type application/json;
            return 429 '{"detail":"Too many sign-ins from this address or network: try again in a minute.","error":{"message":"Too many sign-ins from this address or network: try again in a minute.","type":"rate_limit_error","param":null,"code":"too_many_logins"}}\n';
        }
"#;

/// Where Open WebUI takes a password, or what stands for one.
pub(super) const OPEN_WEBUI_LOGINS: &str =
    "^/api/v1/auths/(signin|ldap|signup|oauth/[^/]+/token/exchange)$";

/// Where LiteLLM does, on the admin port.
pub(super) const LITELLM_LOGINS: &str = "^/(v[0-9]+/)?login$";

/// A place that takes passwords: as its surroundings, `proxy`, but for the limit.
pub(super) fn logins(paths: &str, proxy: &str) -> String {
    let mut text = String::new();
    let burst = LOGINS_AT_ONCE - 1;
    let written = write!(
        text,
        "
        location ~ {paths} {{
            limit_req zone=logins burst={burst} nodelay;
            error_page 429 @too_many_logins;
{proxy}        }}
"
    );
    written.expect("writing to a string cannot fail");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_connections_as_memory_and_open_files_allow() {
        assert_eq!(connections(None, 2, None), 4096);
        // Profile tiny: more than the 1,024 that 1,150 half requests would fill.
        assert_eq!(connections(Some(20_000_000), 1, Some(65_536)), 1666);
        assert_eq!(connections(Some(40_000_000), 1, Some(1024)), 960);
        assert_eq!(connections(Some(40_000_000), 4, None), 972);
        assert_eq!(connections(Some(1), 1, Some(1)), 256);
    }

    #[test]
    fn all_processes_together_cannot_fill_the_queue_of_litellm() {
        for workers in 1..=8 {
            let to_litellm = workers * connections(None, workers, None) / 2;
            assert!(to_litellm <= QUEUE, "{workers} processes have {to_litellm}");
        }
    }
}
