//! Values: the text as it was written, and its meaning once its kind is known.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    ops::Range,
    path::PathBuf,
    time::Duration,
};

use nix::sys::signal::Signal;
use serde_json::{Value as Json, json};
use supervise::spec::Listener;

use super::settings::{CustomProbe, CustomReload, CustomSchedule, Network};

pub(super) mod decode;
mod units;

pub(super) use units::{cpus_text, megabytes, size_text};

/// The kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Yes or no.
    Bool,
    /// A whole number within limits.
    Whole {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A budget's name or an amount.
    Budget(&'static BudgetWords),
    /// A TCP port.
    Port,
    /// The e-mail address of an account.
    Email,
    /// A person's name.
    PersonName,
    /// An IP address.
    Address,
    /// An amount of memory.
    Size,
    /// A number of CPUs.
    Cpus,
    /// A length of time.
    Time,
    /// A time of the day.
    Hour,
    /// An absolute path.
    Path,
    /// Where to download something.
    Url,
    /// A SHA-256 in hexadecimal.
    Sha256,
    /// A program and its arguments.
    Command,
    /// Names and values.
    Environment,
    /// Names of services.
    Services,
    /// Networks, as addresses or in CIDR notation.
    Networks,
    /// Addresses to listen on.
    Listen,
    /// A probe.
    Probe,
    /// When a task runs.
    Schedule,
    /// Exit codes.
    Codes,
    /// What makes a service read its files again.
    Reload,
}

/// What the service that counts the budget says about values that cannot be one.
#[derive(Debug, PartialEq, Eq)]
pub struct BudgetWords {
    /// Why there is no budget of 0.
    pub no_zero: &'static str,
    /// What to do instead of a budget of 0.
    pub instead: &'static str,
}

impl ValueKind {
    /// What is expected, to be put after "expected".
    pub fn expected(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Choice(words) => {
                let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
                or(&quoted)
            }
            Self::Budget(_) => {
                "\"test\", \"prod\", \"unlimited\" or an amount in US dollars such as 50".into()
            }
            Self::Port => "a port from 1 to 65535".into(),
            Self::Email => "an e-mail address such as \"ada@example.org\"".into(),
            Self::PersonName => "a name of 1 to 100 characters".into(),
            Self::Address => "an IP address such as \"127.0.0.1\"".into(),
            Self::Size => "a size such as \"480 MB\" or \"1.5 GiB\", or \"none\"".into(),
            Self::Cpus => "a number of CPUs such as 0.7, or \"none\"".into(),
            Self::Time => "a time such as \"90 s\" or \"5 min\"".into(),
            Self::Hour => "a time of the day such as \"04:00\", or \"none\"".into(),
            Self::Path => "an absolute path such as \"/usr/bin/node\"".into(),
            Self::Url => "an address that begins with https:// or http://".into(),
            Self::Sha256 => "64 hexadecimal digits".into(),
            Self::Command => "an array: the program and its arguments".into(),
            Self::Environment => "a table of names and texts".into(),
            Self::Services => "an array of names of services".into(),
            Self::Networks => "an array of addresses such as \"10.0.0.2\" or \"10.0.0.0/8\"".into(),
            Self::Listen => {
                "an array of addresses such as \"127.0.0.1:8080\", \"[::1]:8080\" or \"unix:/run/my/web.sock\"".into()
            }
            Self::Probe => "a table with one of http, tcp, exec, notify or log".into(),
            Self::Schedule => "a time of the day such as \"04:00\", or \"every 6 h\"".into(),
            Self::Codes => "an array of exit codes from 1 to 255".into(),
            Self::Reload => {
                "a signal such as \"HUP\", or an array: a program and its arguments".into()
            }
        }
    }

    /// Whether a value of this kind is an array or a table.
    pub(super) fn is_composed(self) -> bool {
        match self {
            Self::Command
            | Self::Environment
            | Self::Services
            | Self::Networks
            | Self::Listen
            | Self::Probe
            | Self::Codes
            | Self::Reload => true,
            Self::Bool
            | Self::Whole { .. }
            | Self::Choice(_)
            | Self::Budget(_)
            | Self::Port
            | Self::Email
            | Self::PersonName
            | Self::Address
            | Self::Size
            | Self::Cpus
            | Self::Time
            | Self::Hour
            | Self::Schedule
            | Self::Path
            | Self::Url
            | Self::Sha256 => false,
        }
    }
}

/// Joins words: "a, b or c".
pub(super) fn or(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

/// A value as it was written, and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Raw {
    pub(super) span: Range<usize>,
    pub(super) is: RawValue,
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RawValue {
    Text(String),
    /// A number, whole or not, in decimal. Its meaning depends on the kind.
    Number(String),
    Bool(bool),
    Date,
    List(Vec<Raw>),
    Table(Vec<(Name, Raw)>),
}

/// A name on the left of `=` or in a header, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) span: Range<usize>,
    pub(super) text: String,
}

impl RawValue {
    /// Whether two values say the same, regardless of their places.
    pub(super) fn says(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(one), Self::List(other)) => {
                one.len() == other.len()
                    && one
                        .iter()
                        .zip(other)
                        .all(|(one, other)| one.is.says(&other.is))
            }
            (Self::Table(one), Self::Table(other)) => {
                let same = |((name, one), (other_name, other)): (&(Name, Raw), &(Name, Raw))| {
                    name.text == other_name.text && one.is.says(&other.is)
                };
                one.len() == other.len() && one.iter().zip(other).all(same)
            }
            (one, other) => one == other,
        }
    }

    /// What it is, to be put after "found".
    pub(super) fn found(&self) -> String {
        match self {
            Self::Text(text) if text.is_empty() => "an empty text".into(),
            Self::Text(_) => "text".into(),
            Self::Number(digits) => format!("the number {digits}"),
            Self::Bool(yes) => yes.to_string(),
            Self::Date => "a date".into(),
            Self::List(_) => "an array".into(),
            Self::Table(_) => "a table".into(),
        }
    }
}

/// A value whose meaning is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Whole(u64),
    Text(String),
    Usd(f64),
    Address(IpAddr),
    /// In bytes.
    Size(Option<u64>),
    /// In thousandths of a CPU.
    Cpus(Option<u32>),
    Time(Duration),
    /// The minute of the day.
    Hour(Option<u16>),
    Path(PathBuf),
    Command(Vec<String>),
    Environment(BTreeMap<String, String>),
    /// Each with its place.
    Services(Vec<(String, Range<usize>)>),
    Networks(Vec<Network>),
    /// Each with its place.
    Listen(Vec<(Listener, Range<usize>)>),
    Probe(CustomProbe),
    Schedule(CustomSchedule),
    Codes(BTreeSet<i32>),
    Reload(CustomReload),
}

/// Why a value is not valid: what is wrong with it, at which place in it, and how to write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The end of a sentence that begins with the key's name: "`listen.port` is out of range".
    pub(super) is: &'static str,
    pub(super) span: Range<usize>,
    pub(super) label: String,
    pub(super) help: Option<String>,
}

impl Value {
    /// The value as JSON. The values of an environment may be secrets, so they are null.
    pub(super) fn json(&self) -> Json {
        match self {
            Self::Bool(yes) => json!(yes),
            Self::Whole(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::Usd(usd) => json!(usd),
            Self::Address(address) => json!(address.to_string()),
            Self::Size(None) | Self::Cpus(None) | Self::Hour(None) => json!("none"),
            Self::Size(Some(bytes)) => json!(size_text(*bytes)),
            Self::Cpus(Some(milli)) => json!(f64::from(*milli) / 1000.0),
            Self::Time(time) => json!(units::time_text(*time)),
            Self::Hour(Some(minute)) => json!(units::hour_text(*minute)),
            Self::Path(path) => json!(path.display().to_string()),
            Self::Command(words) => json!(words),
            Self::Environment(variables) => variables
                .keys()
                .map(|name| (name.clone(), Json::Null))
                .collect(),
            Self::Services(names) => names.iter().map(|(name, _)| name.as_str()).collect(),
            Self::Networks(networks) => networks.iter().map(Network::to_string).collect(),
            Self::Listen(addresses) => addresses.iter().map(|(at, _)| at.to_string()).collect(),
            Self::Probe(probe) => match probe {
                CustomProbe::Http(url) => json!({ "http": url }),
                CustomProbe::Tcp(at) => json!({ "tcp": at }),
                CustomProbe::Exec(command) => json!({ "exec": command }),
                CustomProbe::Notify => json!({ "notify": true }),
                CustomProbe::Log(text) => json!({ "log": text }),
            },
            Self::Schedule(schedule) => json!(schedule_text(*schedule)),
            Self::Codes(codes) => json!(codes),
            Self::Reload(CustomReload::Signal(signal)) => json!(signal_name(*signal)),
            Self::Reload(CustomReload::Run(command)) => json!(command),
        }
    }
}

/// The value as TOML, except for an environment, whose values may be secrets.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{}", quoted(text)),
            Self::Usd(usd) => write!(f, "{usd}"),
            Self::Address(address) => write!(f, "\"{address}\""),
            Self::Size(None) | Self::Cpus(None) | Self::Hour(None) => write!(f, "\"none\""),
            Self::Size(Some(bytes)) => write!(f, "\"{}\"", size_text(*bytes)),
            Self::Cpus(Some(milli)) => write!(f, "{}", cpus_text(*milli)),
            Self::Time(time) => write!(f, "\"{}\"", units::time_text(*time)),
            Self::Hour(Some(minute)) => write!(f, "\"{}\"", units::hour_text(*minute)),
            Self::Path(path) => write!(f, "{}", quoted(&path.display().to_string())),
            Self::Command(words) => write!(f, "{}", list(words.iter())),
            Self::Environment(variables) => {
                let names: Vec<_> = variables.keys().map(|name| format!("{name} = …")).collect();
                if names.is_empty() {
                    f.write_str("{}")
                } else {
                    write!(f, "{{ {} }}", names.join(", "))
                }
            }
            Self::Services(names) => write!(f, "{}", list(names.iter().map(|(name, _)| name))),
            Self::Networks(networks) => {
                let texts: Vec<_> = networks.iter().map(Network::to_string).collect();
                write!(f, "{}", list(texts.iter()))
            }
            Self::Listen(addresses) => {
                let texts: Vec<_> = addresses.iter().map(|(at, _)| at.to_string()).collect();
                write!(f, "{}", list(texts.iter()))
            }
            Self::Probe(probe) => match probe {
                CustomProbe::Http(url) => write!(f, "{{ http = {} }}", quoted(url)),
                CustomProbe::Tcp(at) => write!(f, "{{ tcp = {} }}", quoted(at)),
                CustomProbe::Exec(command) => write!(f, "{{ exec = {} }}", list(command.iter())),
                CustomProbe::Notify => f.write_str("{ notify = true }"),
                CustomProbe::Log(text) => write!(f, "{{ log = {} }}", quoted(text)),
            },
            Self::Schedule(schedule) => write!(f, "\"{}\"", schedule_text(*schedule)),
            Self::Codes(codes) => {
                let texts: Vec<_> = codes.iter().map(i32::to_string).collect();
                write!(f, "[{}]", texts.join(", "))
            }
            Self::Reload(CustomReload::Signal(signal)) => {
                write!(f, "\"{}\"", signal_name(*signal))
            }
            Self::Reload(CustomReload::Run(command)) => write!(f, "{}", list(command.iter())),
        }
    }
}

fn schedule_text(schedule: CustomSchedule) -> String {
    match schedule {
        CustomSchedule::Every(every) => format!("every {}", units::time_text(every)),
        CustomSchedule::Daily { minute } => units::hour_text(minute),
    }
}

/// The name of a signal as people write it, without SIG.
fn signal_name(signal: i32) -> String {
    Signal::try_from(signal).map_or_else(
        |_| signal.to_string(),
        |signal| signal.as_str().trim_start_matches("SIG").to_owned(),
    )
}

fn list<'a>(words: impl Iterator<Item = &'a String>) -> String {
    let words: Vec<_> = words.map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

/// A text in the form of TOML, with quotes.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
