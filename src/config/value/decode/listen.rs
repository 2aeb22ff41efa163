//! Where a service of the user's own listens.

use std::{net::SocketAddr, ops::Range, os::unix::ffi::OsStrExt as _, path::Path};

use supervise::spec::Listener;

use super::{FORM, RANGE, Raw, RawValue, ValueKind, Wrong, lists::all};
use crate::config::value::quoted;

/// The kernel has room for 108 bytes, and the last is a zero (unix(7)).
const LONGEST_PATH: usize = 107;

impl ValueKind {
    pub(super) fn listen(self, raw: &Raw) -> Result<Vec<(Listener, Range<usize>)>, Vec<Wrong>> {
        let RawValue::List(items) = &raw.is else {
            let mut wrong = self.wrong_type(raw);
            if let RawValue::Text(text) = &raw.is {
                wrong.help = Some(format!("in brackets: [{}]", quoted(text)));
            }
            return Err(vec![wrong]);
        };
        let most = sys::spawn::MOST_HANDED;
        if let Some(beyond) = items.get(most) {
            let label = format!("expected {most} addresses or fewer, found {}", items.len());
            return Err(vec![self.error(beyond, RANGE, label)]);
        }
        all(items
            .iter()
            .map(|item| Ok((self.listener(item)?, item.span.clone()))))
    }

    /// Reads `IP:port` or `unix:/path`, the form in which the status shows addresses.
    fn listener(self, raw: &Raw) -> Result<Listener, Wrong> {
        let text = match &raw.is {
            RawValue::Number(digits) => {
                let mut wrong = self.no_address(raw);
                wrong.help = Some(format!("with the address: \"127.0.0.1:{digits}\""));
                return Err(wrong);
            }
            _ => self.word(raw)?,
        };
        if let Some(path) = text.strip_prefix("unix:") {
            return self.unix_socket(raw, path);
        }
        match text.parse::<SocketAddr>() {
            Ok(address) if address.port() > 0 => match as_ipv4(address) {
                None => Ok(Listener::Tcp(address)),
                Some(four) => Err(Wrong {
                    help: Some(format!("did you mean {}?", quoted(&four.to_string()))),
                    ..self.no_address(raw)
                }),
            },
            Ok(_) => Err(self.error(raw, RANGE, "expected a port from 1 to 65535".to_owned())),
            Err(_) => Err(Wrong {
                help: meant(&text).map(|meant| format!("did you mean {}?", quoted(&meant))),
                ..self.no_address(raw)
            }),
        }
    }

    fn unix_socket(self, raw: &Raw, path: &str) -> Result<Listener, Wrong> {
        let bytes = Path::new(path).as_os_str().as_bytes().len();
        if !path.starts_with('/') {
            return Err(self.error(raw, FORM, "expected a path that begins with /".to_owned()));
        }
        if bytes > LONGEST_PATH {
            let label = format!("expected a path of {LONGEST_PATH} bytes or fewer, found {bytes}");
            return Err(self.error(raw, FORM, label));
        }
        Ok(Listener::Unix(path.into()))
    }

    fn no_address(self, raw: &Raw) -> Wrong {
        let label = "expected an IP address with a port, or unix: and an absolute path";
        self.error(raw, FORM, label.to_owned())
    }
}

/// The IPv4 address that an IPv6 address stands for, if it does: a socket for IPv6 alone cannot be bound to
/// it.
fn as_ipv4(address: SocketAddr) -> Option<SocketAddr> {
    let SocketAddr::V6(six) = address else {
        return None;
    };
    let four = six.ip().to_ipv4_mapped()?;
    Some(SocketAddr::new(four.into(), six.port()))
}

/// The address that somebody probably meant who wrote it in another way.
fn meant(text: &str) -> Option<String> {
    if text.starts_with('/') {
        return Some(format!("unix:{text}"));
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    match host {
        "" | "localhost" => Some(format!("127.0.0.1:{port}")),
        "*" => Some(format!("0.0.0.0:{port}")),
        host => {
            let six = host.parse::<std::net::Ipv6Addr>().ok()?;
            Some(format!("[{six}]:{port}"))
        }
    }
}
