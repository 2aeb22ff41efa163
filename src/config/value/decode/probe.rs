//! The probe that finds out whether a service of the user's own is ready.

use std::net::Ipv6Addr;

use super::{FORM, Name, Raw, RawValue, TYPE, ValueKind, Wrong, is_plain, nearest, or};
use crate::config::settings::CustomProbe;

impl ValueKind {
    pub(super) fn probe(self, raw: &Raw) -> Result<CustomProbe, Vec<Wrong>> {
        let RawValue::Table(entries) = &raw.is else {
            return Err(vec![self.wrong_type(raw)]);
        };
        match entries.as_slice() {
            [(name, value)] if name.text == "exec" => {
                Self::Command.command(value).map(CustomProbe::Exec)
            }
            [(name, value)] => self.simple_probe(name, value).map_err(|wrong| vec![wrong]),
            several => {
                let label = format!("expected {}, found {}", self.expected(), several.len());
                Err(vec![self.error(raw, FORM, label)])
            }
        }
    }

    fn simple_probe(self, name: &Name, value: &Raw) -> Result<CustomProbe, Wrong> {
        match name.text.as_str() {
            "http" => http_target(&self.word(value)?)
                .map(CustomProbe::Http)
                .ok_or_else(|| self.error(value, FORM, "expected http://host:port/path".into())),
            "tcp" => host_and_port(&self.word(value)?)
                .map(CustomProbe::Tcp)
                .ok_or_else(|| self.error(value, FORM, "expected host:port".into())),
            "notify" => match value.is {
                RawValue::Bool(true) => Ok(CustomProbe::Notify),
                _ => Err(self.error(value, TYPE, "expected true".into())),
            },
            "log" => match self.word(value)? {
                text if text.is_empty() => {
                    Err(self.error(value, "is empty", "every line would match".into()))
                }
                text => Ok(CustomProbe::Log(text)),
            },
            other => {
                let known = ["http", "tcp", "exec", "notify", "log"];
                let quoted: Vec<_> = known.map(str::to_owned).to_vec();
                Err(Wrong {
                    is: "has no such kind",
                    span: name.span.clone(),
                    label: format!("expected {}", or(&quoted)),
                    help: nearest(other, known).map(|word| format!("did you mean `{word}`?")),
                })
            }
        }
    }
}

fn host_and_port(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let good_host = match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && is_plain(host) && !host.contains(['/', ':', '@', '[', ']']),
    };
    let good_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    (good_host && good_port).then(|| text.to_owned())
}

/// The target of an HTTP probe, completed to `http://host:port/path`.
fn http_target(text: &str) -> Option<String> {
    let rest = text.strip_prefix("http://")?;
    let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
    let server = host_and_port(server).or_else(|| host_and_port(&format!("{server}:80")))?;
    is_plain(path).then(|| format!("http://{server}/{path}"))
}
