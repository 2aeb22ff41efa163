//! What goes over the control socket: Varlink's messages, and what ours mean.
//!
//! A message is one JSON object followed by a NUL byte (<https://varlink.org/Method-Call>). Calls on one
//! connection are answered in their order. This is pure: bytes and values come in, and bytes and values go
//! out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use supervise::spec::ServiceName;

use super::types::{Blame, Call, GatewayStatus, Preview, Refusal, Reply, Why};

/// The name of our interface.
pub const INTERFACE: &str = "io.aigateway.Control";

/// The description of our interface in Varlink's own language.
pub const DESCRIPTION: &str = include_str!("io.aigateway.Control.varlink");

/// The longest call that the daemon takes, in bytes.
pub const CALL_MAX: usize = 64 << 10;

/// The longest answer that the command line takes, in bytes.
pub const ANSWER_MAX: usize = 4 << 20;

/// The interface that every Varlink service has.
const SERVICE: &str = "org.varlink.service";

/// The description of that interface, as varlink.org prints it.
const SERVICE_DESCRIPTION: &str = "\
interface org.varlink.service

method GetInfo() -> (
  vendor: string,
  product: string,
  version: string,
  url: string,
  interfaces: []string
)

method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound (interface: string)
error MethodNotFound (method: string)
error MethodNotImplemented (method: string)
error InvalidParameter (parameter: string)
error PermissionDenied ()
error ExpectedMore ()
";

/// Divides what arrives into messages, however it is cut.
#[derive(Debug)]
pub struct Frames {
    buffer: Vec<u8>,
    /// How many bytes at the beginning of the buffer are known to hold no NUL.
    searched: usize,
    limit: usize,
}

/// A message is longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of more than {limit} bytes on the control socket")]
pub struct TooLong {
    /// The most bytes that are allowed.
    pub limit: usize,
}

impl Frames {
    /// Takes messages of up to `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            searched: 0,
            limit,
        }
    }

    /// Adds what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether a whole message has arrived.
    pub fn has_message(&self) -> bool {
        self.buffer[self.searched..].contains(&0)
    }

    /// Whether nothing of a message has arrived.
    pub const fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Whether more has arrived than a message may have.
    pub const fn is_too_long(&self) -> bool {
        self.buffer.len() > self.limit
    }

    /// Returns the next whole message without its NUL. `None` if it has not arrived as a whole yet.
    ///
    /// # Errors
    /// The message is too long, whether or not it has arrived as a whole.
    pub fn take(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let found = self.buffer[self.searched..].iter().position(|b| *b == 0);
        let length = found.map_or(self.buffer.len(), |at| self.searched + at);
        if length > self.limit {
            return Err(TooLong { limit: self.limit });
        }
        if found.is_none() {
            self.searched = length;
            return Ok(None);
        }
        let rest = self.buffer.split_off(length + 1);
        let mut message = std::mem::replace(&mut self.buffer, rest);
        message.truncate(length);
        self.searched = 0;
        Ok(Some(message))
    }
}

/// Makes one message with its NUL.
pub fn frame(message: &impl Serialize) -> Vec<u8> {
    let mut bytes =
        serde_json::to_vec(message).expect("messages are plain data with text for keys");
    bytes.push(0);
    bytes
}

/// A method call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The names of the interface and of the method, joined by a dot.
    pub method: String,
    /// The parameters: an object, or nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub parameters: Value,
    /// Whether the caller accepts more than one answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// Whether the caller wants no answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub oneway: bool,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The parameters: an object, or nothing.
    #[serde(default)]
    pub parameters: Value,
    /// The full name of an error, if the answer is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether another answer follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continues: bool,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// The request has an answer that is always the same.
    Fixed(Value),
    /// The request is for the daemon.
    Call(Call),
    /// The request asks for the status now and after each change.
    Watch,
}

/// Why a request is answered with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The interface is neither ours nor the one that every service has.
    InterfaceNotFound(String),
    /// The interface has no such method.
    MethodNotFound(String),
    /// A parameter is missing, unknown or of the wrong type.
    InvalidParameter(String),
    /// The caller is neither the daemon's owner nor root.
    PermissionDenied,
    /// The method answers more than once, and the caller wants only one answer.
    ExpectedMore,
    /// The daemon refuses it.
    Refused(Refusal),
}

impl Request {
    /// The request for `call`.
    pub fn of(call: &Call) -> Self {
        let service = |name: &Option<ServiceName>| match name {
            Some(name) => json!({ "service": name }),
            None => json!({}),
        };
        let (method, parameters) = match call {
            Call::Status => ("Status", json!({})),
            Call::Start(name) => ("Start", service(name)),
            Call::Stop(name) => ("Stop", service(name)),
            Call::Restart(name) => ("Restart", service(name)),
            Call::Reload(name) => ("Reload", service(name)),
            Call::Preview => ("Preview", json!({})),
            Call::Why(name) => ("Why", json!({ "service": name })),
            Call::Blame(name) => ("Blame", service(name)),
        };
        Self::named(method, parameters)
    }

    /// The request to watch the status.
    pub fn watch() -> Self {
        Self {
            more: true,
            ..Self::named("Watch", json!({}))
        }
    }

    fn named(method: &str, parameters: Value) -> Self {
        Self {
            method: format!("{INTERFACE}.{method}"),
            parameters,
            more: false,
            oneway: false,
        }
    }

    /// Finds out what is asked for.
    ///
    /// # Errors
    /// There is no such thing to ask for, or the parameters are wrong.
    pub fn meaning(&self) -> Result<Method, Fault> {
        let parameters = Parameters::of(&self.parameters)?;
        let (interface, method) = self.method.rsplit_once('.').unwrap_or((&self.method, ""));
        let asked = match (interface, method) {
            (SERVICE, "GetInfo") => parameters.none().map(|()| Method::Fixed(info()))?,
            (SERVICE, "GetInterfaceDescription") => Method::Fixed(description(&parameters)?),
            (INTERFACE, "Watch") if self.more => parameters.none().map(|()| Method::Watch)?,
            (INTERFACE, "Watch") => return Err(Fault::ExpectedMore),
            (INTERFACE, "Status") => parameters.none().map(|()| Method::Call(Call::Status))?,
            (INTERFACE, "Preview") => parameters.none().map(|()| Method::Call(Call::Preview))?,
            (INTERFACE, "Start") => Method::Call(Call::Start(parameters.service()?)),
            (INTERFACE, "Stop") => Method::Call(Call::Stop(parameters.service()?)),
            (INTERFACE, "Restart") => Method::Call(Call::Restart(parameters.service()?)),
            (INTERFACE, "Reload") => Method::Call(Call::Reload(parameters.service()?)),
            (INTERFACE, "Blame") => Method::Call(Call::Blame(parameters.service()?)),
            (INTERFACE, "Why") => Method::Call(Call::Why(
                parameters
                    .service()?
                    .ok_or_else(|| Fault::InvalidParameter("service".into()))?,
            )),
            (SERVICE | INTERFACE, _) => return Err(Fault::MethodNotFound(self.method.clone())),
            _ => return Err(Fault::InterfaceNotFound(interface.to_owned())),
        };
        Ok(asked)
    }
}

/// Reads the parameters of a call. An unknown parameter is an error, so that a mistake does not go unnoticed.
struct Parameters<'a>(Option<&'a Map<String, Value>>);

impl<'a> Parameters<'a> {
    fn of(value: &'a Value) -> Result<Self, Fault> {
        match value {
            Value::Null => Ok(Self(None)),
            Value::Object(map) => Ok(Self(Some(map))),
            _ => Err(Fault::InvalidParameter("parameters".into())),
        }
    }

    fn only(&self, known: Option<&str>) -> Result<(), Fault> {
        let mut names = self.0.into_iter().flat_map(Map::keys);
        match names.find(|name| Some(name.as_str()) != known) {
            Some(unknown) => Err(Fault::InvalidParameter(unknown.clone())),
            None => Ok(()),
        }
    }

    fn none(&self) -> Result<(), Fault> {
        self.only(None)
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        self.only(Some(name))?;
        match self.0.and_then(|map| map.get(name)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Fault::InvalidParameter(name.to_owned())),
        }
    }

    fn service(&self) -> Result<Option<ServiceName>, Fault> {
        self.text("service")?
            .map(ServiceName::new)
            .transpose()
            .map_err(|_| Fault::InvalidParameter("service".into()))
    }
}

fn info() -> Value {
    json!({
        "vendor": "ai-gateway",
        "product": "ai-gateway",
        "version": env!("CARGO_PKG_VERSION"),
        "url": "",
        "interfaces": [SERVICE, INTERFACE],
    })
}

fn description(parameters: &Parameters<'_>) -> Result<Value, Fault> {
    let description = match parameters.text("interface")? {
        Some(SERVICE) => SERVICE_DESCRIPTION,
        Some(INTERFACE) => DESCRIPTION,
        Some(other) => return Err(Fault::InterfaceNotFound(other.to_owned())),
        None => return Err(Fault::InvalidParameter("interface".into())),
    };
    Ok(json!({ "description": description }))
}

impl Response {
    /// Makes an answer with these parameters.
    pub fn plain(parameters: Value) -> Self {
        Self {
            parameters,
            ..Self::default()
        }
    }

    /// Makes the answer that carries `reply`.
    pub fn of(reply: &Reply) -> Self {
        Self::plain(match reply {
            Reply::Status(status) => json!({ "status": status }),
            Reply::Done(messages) => json!({ "messages": messages }),
            Reply::Why(why) => json!(why),
            Reply::Blame(blame) => json!(blame),
            Reply::Preview(preview) => json!(preview),
        })
    }

    /// Makes one of several answers with a status.
    #[must_use]
    pub fn and_more(self) -> Self {
        Self {
            continues: true,
            ..self
        }
    }

    /// Reads the answer to `call`.
    ///
    /// # Errors
    /// The answer carries an error, or cannot be understood.
    pub fn reply_to(self, call: &Call) -> Result<Reply, NotAReply> {
        match call {
            Call::Status => self.status().map(|status| Reply::Status(Box::new(status))),
            Call::Why(_) => Ok(Reply::Why(Box::new(self.parameters::<Why>()?))),
            Call::Preview => Ok(Reply::Preview(Box::new(self.parameters::<Preview>()?))),
            Call::Blame(_) => Ok(Reply::Blame(Box::new(self.parameters::<Blame>()?))),
            Call::Start(_) | Call::Stop(_) | Call::Restart(_) | Call::Reload(_) => {
                #[derive(Deserialize)]
                struct Done {
                    messages: Vec<String>,
                }
                Ok(Reply::Done(self.parameters::<Done>()?.messages))
            }
        }
    }

    /// Reads an answer with a status.
    ///
    /// # Errors
    /// The answer carries an error, or cannot be understood.
    pub fn status(self) -> Result<GatewayStatus, NotAReply> {
        #[derive(Deserialize)]
        struct Status {
            status: GatewayStatus,
        }
        Ok(self.parameters::<Status>()?.status)
    }

    fn parameters<T: serde::de::DeserializeOwned>(self) -> Result<T, NotAReply> {
        match self.error {
            None => serde_json::from_value(self.parameters).map_err(NotAReply::Malformed),
            Some(name) => Err(NotAReply::Fault(Fault::named(&name, &self.parameters))),
        }
    }
}

/// An answer that does not carry what was asked for.
#[derive(Debug)]
pub enum NotAReply {
    /// The answer is an error.
    Fault(Fault),
    /// The answer is not one that the method gives.
    Malformed(serde_json::Error),
}

impl Fault {
    /// Makes the answer that carries this fault.
    pub fn response(&self) -> Response {
        let ours = |name: &str| format!("{INTERFACE}.{name}");
        let everybodys = |name: &str| format!("{SERVICE}.{name}");
        let (error, parameters) = match self {
            Self::InterfaceNotFound(interface) => (
                everybodys("InterfaceNotFound"),
                json!({ "interface": interface }),
            ),
            Self::MethodNotFound(method) => {
                (everybodys("MethodNotFound"), json!({ "method": method }))
            }
            Self::InvalidParameter(name) => {
                (everybodys("InvalidParameter"), json!({ "parameter": name }))
            }
            Self::PermissionDenied => (everybodys("PermissionDenied"), json!({})),
            Self::ExpectedMore => (everybodys("ExpectedMore"), json!({})),
            Self::Refused(Refusal::UnknownService { name, known }) => (
                ours("UnknownService"),
                json!({ "name": name, "known": known }),
            ),
            Self::Refused(Refusal::Failed(message)) => {
                (ours("Failed"), json!({ "message": message }))
            }
            Self::Refused(Refusal::Configuration(report)) => {
                (ours("Configuration"), json!({ "report": report }))
            }
            Self::Refused(Refusal::Ending) => (ours("Ending"), json!({})),
        };
        Response {
            parameters,
            error: Some(error),
            continues: false,
        }
    }

    /// Reads the fault that an answer carries. A fault that is not known here becomes a failure with its
    /// name.
    fn named(name: &str, parameters: &Value) -> Self {
        let text = |key: &str| parameters[key].as_str().unwrap_or_default().to_owned();
        let (interface, error) = name.rsplit_once('.').unwrap_or((name, ""));
        match (interface, error) {
            (SERVICE, "InterfaceNotFound") => Self::InterfaceNotFound(text("interface")),
            (SERVICE, "MethodNotFound") => Self::MethodNotFound(text("method")),
            (SERVICE, "InvalidParameter") => Self::InvalidParameter(text("parameter")),
            (SERVICE, "PermissionDenied") => Self::PermissionDenied,
            (SERVICE, "ExpectedMore") => Self::ExpectedMore,
            (INTERFACE, "UnknownService") => Self::Refused(Refusal::UnknownService {
                name: text("name"),
                known: parameters["known"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|name| name.as_str().map(str::to_owned))
                    .collect(),
            }),
            (INTERFACE, "Failed") => Self::Refused(Refusal::Failed(text("message"))),
            (INTERFACE, "Configuration") => Self::Refused(Refusal::Configuration(text("report"))),
            (INTERFACE, "Ending") => Self::Refused(Refusal::Ending),
            _ => Self::Refused(Refusal::Failed(format!("the daemon answered {name}"))),
        }
    }
}

#[cfg(test)]
mod tests;
