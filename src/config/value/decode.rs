//! From what was written to what it means, or to what is wrong with it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    ops::Range,
    path::Path,
    time::Duration,
};

use super::{Kind, Name, Raw, RawValue, Value, Wrong, or, units};
use crate::config::{
    report::nearest,
    settings::{CustomProbe, Network, NoNetwork},
};

/// The least CPU time that the kernel can be told: 1 ms in every 100.
const LEAST_MILLI: u32 = 10;
/// No machine has more.
const MOST_MILLI: u32 = 8_192_000;
/// Longer than this is not meant.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The least budget, a cent. LiteLLM enforces a budget only if it is greater than zero, in
/// `_global_proxy_budget_check` and at three other places, and takes 0 to mean that there is none.
const LEAST_USD: f64 = 0.01;
/// The largest budget. Far above it a double can no longer count the cost of a single request.
const MOST_USD: f64 = 1_000_000_000.0;

const TO_SPEND_NOTHING: &str = "to have all requests refused: 'ai-gateway stop litellm'";
const A_SHELL_MAKES_0: &str =
    "to have all requests refused: 'ai-gateway stop litellm'; of $20 a shell makes 0, so write 20";
const THERE_IS_ALWAYS_ONE: &str =
    "\"unlimited\" is 1000 US dollars: a budget is a brake, so there is always one";

const TYPE: &str = "has the wrong type";
const RANGE: &str = "is out of range";
const FORM: &str = "cannot be read";

impl Kind {
    /// Reads a value of this kind, or says all that is wrong with it.
    pub(in crate::config) fn decode(self, raw: &Raw) -> Result<Value, Vec<Wrong>> {
        match self {
            Self::Command => self.command(raw).map(Value::Command),
            Self::Environment => self.environment(raw).map(Value::Environment),
            Self::Services => self.services(raw).map(Value::Services),
            Self::Networks => self.networks(raw).map(Value::Networks),
            Self::Probe => self.probe(raw).map(Value::Probe),
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
            Self::Budget => self.budget(raw),
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
            Self::Command | Self::Environment | Self::Services | Self::Networks | Self::Probe => {
                Err(self.wrong_type(raw))
            }
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

    /// What was meant, if it was only put in quotes.
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

    fn budget(self, raw: &Raw) -> Result<Value, Wrong> {
        let digits = match &raw.is {
            RawValue::Text(text) => {
                return match text.as_str() {
                    "test" => Ok(Value::Usd(15.0)),
                    "prod" => Ok(Value::Usd(200.0)),
                    "unlimited" => Ok(Value::Usd(1000.0)),
                    _ => Err(self.no_budget(raw, text)),
                };
            }
            RawValue::Number(digits) => digits,
            _ => return Err(self.wrong_type(raw)),
        };
        let wrong = |is, label: String, help: &str| Wrong {
            help: Some(help.to_owned()),
            ..self.error(raw, is, label)
        };
        match digits.parse::<f64>() {
            Ok(usd) if (LEAST_USD..=MOST_USD).contains(&usd) => Ok(Value::Usd(usd)),
            Ok(usd) if usd < 0.0 => Err(wrong(
                "is below zero",
                format!("expected {LEAST_USD} or more"),
                TO_SPEND_NOTHING,
            )),
            Ok(usd) if usd < LEAST_USD => Err(wrong(
                "is too small",
                format!("expected {LEAST_USD} or more: LiteLLM takes 0 to mean no budget at all"),
                if digits == "0" {
                    A_SHELL_MAKES_0
                } else {
                    TO_SPEND_NOTHING
                },
            )),
            Ok(usd) if usd.is_finite() => Err(wrong(
                RANGE,
                format!("expected at most {MOST_USD} US dollars"),
                THERE_IS_ALWAYS_ONE,
            )),
            _ => Err(wrong(
                "is no amount",
                "not a finite number".into(),
                THERE_IS_ALWAYS_ONE,
            )),
        }
    }

    /// A text that names no budget, with what was probably meant.
    fn no_budget(self, raw: &Raw, text: &str) -> Wrong {
        let mut wrong = self.unreadable(raw);
        wrong.help = self
            .unquoted(raw)
            .or_else(|| {
                let amount = units::bare_amount(text)?;
                Some(format!("write the number alone: {amount}"))
            })
            .or_else(|| {
                nearest(text, ["test", "prod", "unlimited"])
                    .map(|word| format!("did you mean \"{word}\"?"))
            });
        wrong
    }

    fn size(self, raw: &Raw) -> Result<Value, Wrong> {
        let text = match &raw.is {
            RawValue::Text(text) if text == "none" => return Ok(Value::Size(None)),
            RawValue::Text(text) | RawValue::Number(text) => text,
            _ => return Err(self.wrong_type(raw)),
        };
        match units::size(text) {
            Ok(bytes) => Ok(Value::Size(Some(bytes))),
            Err(units::NoSize::Negative) => Err(self.error(
                raw,
                "is below zero",
                format!("expected {}", self.expected()),
            )),
            Err(units::NoSize::TooLarge) => {
                Err(self.error(raw, RANGE, "no machine has that much memory".into()))
            }
            Err(units::NoSize::Unclear(both)) => Err(Wrong {
                help: Some(both),
                ..self.error(raw, "is not clear", "thousands or 1024s?".into())
            }),
            Err(units::NoSize::Other) => Err(self.unreadable(raw)),
        }
    }

    fn cpus(self, raw: &Raw) -> Result<Value, Wrong> {
        match &raw.is {
            RawValue::Text(text) if text == "none" => Ok(Value::Cpus(None)),
            RawValue::Number(digits) => match units::cpus(digits) {
                Some(0) => Err(self.error(raw, RANGE, "with 0 CPUs it would never run".into())),
                Some(milli) if (LEAST_MILLI..=MOST_MILLI).contains(&milli) => {
                    Ok(Value::Cpus(Some(milli)))
                }
                _ => Err(self.error(raw, RANGE, "expected 0.01 CPUs or more".into())),
            },
            _ => Err(self.wrong_type(raw)),
        }
    }

    fn time(self, raw: &Raw) -> Result<Value, Wrong> {
        let text = match &raw.is {
            RawValue::Text(text) => text,
            RawValue::Number(digits) => {
                let mut wrong = self.wrong_type(raw);
                wrong.help = Some(format!("with its unit: \"{digits} s\""));
                return Err(wrong);
            }
            _ => return Err(self.wrong_type(raw)),
        };
        let time = humantime::parse_duration(text).map_err(|_| self.unreadable(raw))?;
        if time.is_zero() || time > LONGEST {
            let label = "expected more than nothing and at most 7 days".to_owned();
            return Err(self.error(raw, RANGE, label));
        }
        Ok(Value::Time(time))
    }

    fn hour(self, raw: &Raw) -> Result<Value, Wrong> {
        let text = self.text(raw)?;
        if text == "none" {
            return Ok(Value::Hour(None));
        }
        let minute = units::minute_of_day(text).ok_or_else(|| self.unreadable(raw))?;
        Ok(Value::Hour(Some(minute)))
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

    fn command(self, raw: &Raw) -> Result<Vec<String>, Vec<Wrong>> {
        let RawValue::List(items) = &raw.is else {
            let mut wrong = self.wrong_type(raw);
            if let RawValue::Text(text) = &raw.is {
                let words: Vec<_> = text.split_whitespace().map(super::quoted).collect();
                wrong.help = Some(format!("no shell reads it: [{}]", words.join(", ")));
            }
            return Err(vec![wrong]);
        };
        let Some((program, arguments)) = items.split_first() else {
            let label = "expected at least a program".to_owned();
            return Err(vec![self.error(raw, "is empty", label)]);
        };
        let program = Self::Path.path(program).map(str::to_owned);
        let arguments = arguments.iter().map(|raw| self.word(raw));
        all(std::iter::once(program).chain(arguments))
    }

    /// One text of an array or a table.
    fn word(self, raw: &Raw) -> Result<String, Wrong> {
        match &raw.is {
            RawValue::Text(text) if text.contains('\0') => {
                Err(self.error(raw, FORM, "a process cannot be given a zero byte".into()))
            }
            RawValue::Text(text) => Ok(text.clone()),
            RawValue::Number(text) => Err(Wrong {
                help: Some(format!("put it in quotes: \"{text}\"")),
                ..self.error(
                    raw,
                    TYPE,
                    format!("expected text, found {}", raw.is.found()),
                )
            }),
            _ => Err(self.error(
                raw,
                TYPE,
                format!("expected text, found {}", raw.is.found()),
            )),
        }
    }

    fn environment(self, raw: &Raw) -> Result<BTreeMap<String, String>, Vec<Wrong>> {
        let RawValue::Table(entries) = &raw.is else {
            return Err(vec![self.wrong_type(raw)]);
        };
        all(entries.iter().map(|(name, value)| {
            if name.text.is_empty() || name.text.contains(['=', '\0']) {
                return Err(Wrong {
                    span: name.span.clone(),
                    ..self.error(raw, FORM, "this cannot name a variable".into())
                });
            }
            Ok((name.text.clone(), self.word(value)?))
        }))
    }

    fn services(self, raw: &Raw) -> Result<Vec<(String, Range<usize>)>, Vec<Wrong>> {
        let RawValue::List(items) = &raw.is else {
            let mut wrong = self.wrong_type(raw);
            if let RawValue::Text(text) = &raw.is {
                wrong.help = Some(format!("in brackets: [{}]", super::quoted(text)));
            }
            return Err(vec![wrong]);
        };
        let named = |raw: &Raw| Ok((self.word(raw)?, raw.span.clone()));
        all(items.iter().map(named))
    }

    fn networks(self, raw: &Raw) -> Result<Vec<Network>, Vec<Wrong>> {
        let RawValue::List(items) = &raw.is else {
            let mut wrong = self.wrong_type(raw);
            if let RawValue::Text(text) = &raw.is {
                wrong.help = Some(format!("in brackets: [{}]", super::quoted(text)));
            }
            return Err(vec![wrong]);
        };
        all(items.iter().map(|item| {
            let text = self.word(item)?;
            let label = || "expected an address, or an address and the length of a prefix";
            text.parse()
                .map_err(|NoNetwork| self.error(item, FORM, label().to_owned()))
        }))
    }

    /// What Open WebUI's sign-in takes: something before and after one `@`, with a dot after it or
    /// the word `localhost`. Lower-case, for that is how Open WebUI looks an account up.
    fn email(self, raw: &Raw) -> Result<Value, Wrong> {
        let text = self.text(raw)?;
        if is_email(text) {
            Ok(Value::Text(text.to_lowercase()))
        } else {
            Err(self.unreadable(raw))
        }
    }

    fn person_name(self, raw: &Raw) -> Result<Value, Wrong> {
        let text = self.text(raw)?.trim();
        if (1..=100).contains(&text.chars().count()) && !text.contains(char::is_control) {
            Ok(Value::Text(text.to_owned()))
        } else {
            Err(self.unreadable(raw))
        }
    }

    fn probe(self, raw: &Raw) -> Result<CustomProbe, Vec<Wrong>> {
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

/// All of them, or all that is wrong with them.
fn all<T, C: FromIterator<T>>(
    results: impl Iterator<Item = Result<T, Wrong>>,
) -> Result<C, Vec<Wrong>> {
    let mut wrongs = Vec::new();
    let good = results.filter_map(|result| result.map_err(|wrong| wrongs.push(wrong)).ok());
    let good = good.collect();
    if wrongs.is_empty() {
        Ok(good)
    } else {
        Err(wrongs)
    }
}

/// No blank and nothing that could end a line of a request.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether Open WebUI takes a text as the address of an account.
pub fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let dotted = host
        .split_once('.')
        .is_some_and(|(first, rest)| !first.is_empty() && !rest.is_empty());
    is_plain(text)
        && text.len() <= 254
        && !name.is_empty()
        && !host.contains('@')
        && (dotted || host == "localhost")
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

/// Completed to `http://host:port/path`.
fn http_target(text: &str) -> Option<String> {
    let rest = text.strip_prefix("http://")?;
    let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
    let server = host_and_port(server).or_else(|| host_and_port(&format!("{server}:80")))?;
    is_plain(path).then(|| format!("http://{server}/{path}"))
}

/// What the text of a variable or a flag would have been in the file.
pub(in crate::config) fn written(kind: Kind, text: &str) -> RawValue {
    let number = || {
        let digits = text.trim();
        digits
            .parse::<f64>()
            .is_ok()
            .then(|| RawValue::Number(digits.to_owned()))
    };
    let found = match kind {
        Kind::Bool => text.trim().parse().ok().map(RawValue::Bool),
        Kind::Whole { .. } | Kind::Port | Kind::Budget | Kind::Cpus => number(),
        // As in the file, or without brackets and quotes.
        Kind::Networks => Some(RawValue::List(
            text.split(|c: char| c.is_whitespace() || "[],\"'".contains(c))
                .filter(|part| !part.is_empty())
                .map(|part| Raw {
                    span: 0..text.len(),
                    is: RawValue::Text(part.to_owned()),
                })
                .collect(),
        )),
        Kind::Choice(_)
        | Kind::Address
        | Kind::Size
        | Kind::Time
        | Kind::Hour
        | Kind::Path
        | Kind::Url
        | Kind::Sha256
        | Kind::Command
        | Kind::Environment
        | Kind::Services
        | Kind::Email
        | Kind::PersonName
        | Kind::Probe => None,
    };
    found.unwrap_or_else(|| RawValue::Text(text.to_owned()))
}
