//! From the text of a value to its meaning, or to what is wrong with it. This file says which function
//! reads which kind of value. Kinds that need more than a line or two have a file each.

mod amounts;
mod budget;
mod listen;
mod lists;
mod people;
mod probe;
mod runs;

use std::{net::IpAddr, path::Path};

pub use people::is_email;

use super::{Name, Raw, RawValue, Value, ValueKind, Wrong, or, units};
use crate::config::report::nearest;

const TYPE: &str = "has the wrong type";
const RANGE: &str = "is out of range";
const FORM: &str = "cannot be read";

impl ValueKind {
    /// Reads a value of this kind, or returns everything that is wrong with it.
    pub(in crate::config) fn decode(self, raw: &Raw) -> Result<Value, Vec<Wrong>> {
        match self {
            Self::Command => self.command(raw).map(Value::Command),
            Self::Environment => self.environment(raw).map(Value::Environment),
            Self::Services => self.services(raw).map(Value::Services),
            Self::Networks => self.networks(raw).map(Value::Networks),
            Self::Listen => self.listen(raw).map(Value::Listen),
            Self::Probe => self.probe(raw).map(Value::Probe),
            Self::Codes => self.codes(raw).map(Value::Codes),
            Self::Reload => self.reload(raw).map(Value::Reload),
            _ => self.simple(raw).map_err(|wrong| vec![wrong]),
        }
    }

    fn simple(self, raw: &Raw) -> Result<Value, Wrong> {
        match self {
            Self::Bool => match raw.is {
                RawValue::Bool(yes) => Ok(Value::Bool(yes)),
                _ => Err(self.wrong_type(raw)),
            },
            Self::Whole { min, max } => Ok(Value::Whole(self.whole(raw, min, max)?)),
            Self::Port => Ok(Value::Whole(self.whole(raw, 1, 65_535)?)),
            Self::Choice(words) => self.choice(raw, words),
            Self::Budget(words) => self.budget(raw, words),
            Self::Address => {
                let text = self.text(raw)?;
                let address: IpAddr = text.parse().map_err(|_| self.unreadable(raw))?;
                Ok(Value::Address(address))
            }
            Self::Email => self.email(raw),
            Self::PersonName => self.person_name(raw),
            Self::Size => self.size(raw),
            Self::Cpus => self.cpus(raw),
            Self::Time => self.time(raw),
            Self::Hour => self.hour(raw),
            Self::Schedule => self.schedule(raw).map(Value::Schedule),
            Self::Path => Ok(Value::Path(self.path(raw)?.into())),
            Self::Url => {
                let text = self.text(raw)?;
                let rest = text
                    .strip_prefix("https://")
                    .or_else(|| text.strip_prefix("http://"));
                if rest.is_some_and(|rest| !rest.is_empty() && is_plain(text)) {
                    Ok(Value::Text(text.to_owned()))
                } else {
                    Err(self.unreadable(raw))
                }
            }
            Self::Sha256 => {
                let text = self.text(raw)?;
                if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    Ok(Value::Text(text.to_ascii_lowercase()))
                } else {
                    let mut wrong = self.unreadable(raw);
                    wrong.label += &format!(", found {} characters", text.chars().count());
                    Err(wrong)
                }
            }
            Self::Command
            | Self::Environment
            | Self::Services
            | Self::Networks
            | Self::Listen
            | Self::Probe
            | Self::Codes
            | Self::Reload => Err(self.wrong_type(raw)),
        }
    }

    fn wrong_type(self, raw: &Raw) -> Wrong {
        Wrong {
            is: TYPE,
            span: raw.span.clone(),
            label: format!("expected {}, found {}", self.expected(), raw.is.found()),
            help: self.unquoted(raw),
        }
    }

    /// The value that was meant, if the only mistake is a pair of quotes.
    fn unquoted(self, raw: &Raw) -> Option<String> {
        let RawValue::Text(text) = &raw.is else {
            return None;
        };
        let bare = Raw {
            span: raw.span.clone(),
            is: written(self, text),
        };
        let meant = bare.is != raw.is && self.decode(&bare).is_ok();
        meant.then(|| format!("write it without quotes: {text}"))
    }

    fn unreadable(self, raw: &Raw) -> Wrong {
        Wrong {
            is: FORM,
            ..self.error(raw, FORM, format!("expected {}", self.expected()))
        }
    }

    fn error(self, raw: &Raw, is: &'static str, label: String) -> Wrong {
        Wrong {
            is,
            span: raw.span.clone(),
            label,
            help: None,
        }
    }

    fn text(self, raw: &Raw) -> Result<&str, Wrong> {
        match &raw.is {
            RawValue::Text(text) => Ok(text),
            _ => Err(self.wrong_type(raw)),
        }
    }

    fn whole(self, raw: &Raw, min: u64, max: u64) -> Result<u64, Wrong> {
        let RawValue::Number(digits) = &raw.is else {
            return Err(self.wrong_type(raw));
        };
        match digits.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => {
                let is = if digits.contains(['.', 'e', 'E', 'n']) {
                    TYPE
                } else {
                    RANGE
                };
                Err(self.error(raw, is, format!("expected {}", self.expected())))
            }
        }
    }

    fn choice(self, raw: &Raw, words: &[&'static str]) -> Result<Value, Wrong> {
        let text = self.text(raw)?;
        if words.contains(&text) {
            return Ok(Value::Text(text.to_owned()));
        }
        let mut wrong = self.error(
            raw,
            "has no such value",
            format!("expected {}", self.expected()),
        );
        wrong.help =
            nearest(text, words.iter().copied()).map(|word| format!("did you mean \"{word}\"?"));
        Err(wrong)
    }

    fn path(self, raw: &Raw) -> Result<&str, Wrong> {
        let text = self.text(raw)?;
        if text.contains('\0') {
            return Err(self.error(raw, FORM, "a path cannot hold a zero byte".into()));
        }
        if !Path::new(text).is_absolute() {
            let mut wrong =
                self.error(raw, "is not an absolute path", "has to begin with /".into());
            if text.starts_with("~/") {
                wrong.help = Some("~ is not expanded: write the whole path".into());
            }
            return Err(wrong);
        }
        Ok(text)
    }
}

/// Whether a text has no blanks, and nothing that could end a line of an HTTP request.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

/// Turns the text of a variable or a flag into the value that it would be in the file.
pub(in crate::config) fn written(kind: ValueKind, text: &str) -> RawValue {
    let number = || {
        let digits = text.trim();
        digits
            .parse::<f64>()
            .is_ok()
            .then(|| RawValue::Number(digits.to_owned()))
    };
    let found = match kind {
        ValueKind::Bool => text.trim().parse().ok().map(RawValue::Bool),
        ValueKind::Whole { .. } | ValueKind::Port | ValueKind::Budget(_) | ValueKind::Cpus => {
            number()
        }
        // Either written as in the file, or without brackets and quotes.
        ValueKind::Networks => Some(RawValue::List(
            text.split(|c: char| c.is_whitespace() || "[],\"'".contains(c))
                .filter(|part| !part.is_empty())
                .map(|part| Raw {
                    span: 0..text.len(),
                    is: RawValue::Text(part.to_owned()),
                })
                .collect(),
        )),
        ValueKind::Choice(_)
        | ValueKind::Address
        | ValueKind::Size
        | ValueKind::Time
        | ValueKind::Hour
        | ValueKind::Schedule
        | ValueKind::Codes
        | ValueKind::Reload
        | ValueKind::Path
        | ValueKind::Url
        | ValueKind::Sha256
        | ValueKind::Command
        | ValueKind::Environment
        | ValueKind::Services
        | ValueKind::Email
        | ValueKind::PersonName
        | ValueKind::Listen
        | ValueKind::Probe => None,
    };
    found.unwrap_or_else(|| RawValue::Text(text.to_owned()))
}
