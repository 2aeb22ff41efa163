//! LiteLLM's administration over HTTP, as far as the commands need it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use ureq::{Agent, unversioned::resolver::DefaultResolver};

use super::unix::UnixConnector;
use crate::secrets::Secret;

/// Longer than this is no answer. LiteLLM is on the same machine, and ready; but where all four start at
/// once on a small one that is busy, its first answers took more than 20 seconds, and to give up means
/// to start it again.
const PATIENCE: Duration = Duration::from_secs(90);

/// The header by which a worker says which one it is; `python/in_litellm/demo_model.py` puts it in.
pub(super) const WORKER: &str = "x-ai-gateway-worker";

/// The header by which we ask a worker to look into the database first, as above.
pub(super) const AFRESH: &str = "x-ai-gateway-afresh";

/// A request names a host, and the socket is the one that it reaches.
const HOST: &str = "http://127.0.0.1";

/// How much of an answer's message is worth printing.
const MESSAGE_MAX: usize = 300;

/// LiteLLM did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There was no answer.
    #[error("cannot {action}: LiteLLM does not answer on {}", at.display())]
    NoAnswer {
        /// What was tried.
        action: &'static str,
        /// The socket.
        at: PathBuf,
        /// What the kernel said.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The answer was no.
    #[error("cannot {action}: LiteLLM answered {status}: {message}")]
    Refused {
        /// What was tried.
        action: &'static str,
        /// The HTTP status.
        status: u16,
        /// What LiteLLM says of it, without secrets.
        message: String,
    },
}

/// LiteLLM's API with the rights of its administrator.
pub(super) struct Api {
    agent: Agent,
    at: PathBuf,
    master_key: Secret,
}

/// An answer with any status.
pub(super) struct ApiResponse {
    action: &'static str,
    status: u16,
    worker: Option<String>,
    body: Value,
}

impl Api {
    pub(super) fn new(at: &Path, master_key: Secret) -> Self {
        Self {
            agent: agent(at),
            at: at.to_owned(),
            master_key,
        }
    }

    pub(super) fn get(&self, action: &'static str, path: &str) -> Result<ApiResponse, ApiError> {
        answer(action, &self.at, self.question(path).call())
    }

    /// As `get`, of a worker that looks into the database first.
    pub(super) fn get_afresh(
        &self,
        action: &'static str,
        path: &str,
    ) -> Result<ApiResponse, ApiError> {
        let request = self.question(path).header(AFRESH, "yes");
        answer(action, &self.at, request.call())
    }

    fn question(&self, path: &str) -> ureq::RequestBuilder<ureq::typestate::WithoutBody> {
        self.agent
            .get(format!("{HOST}{path}"))
            .header("Authorization", self.authorization())
            // Each to whichever worker takes it.
            .header("Connection", "close")
    }

    pub(super) fn post(
        &self,
        action: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<ApiResponse, ApiError> {
        let request = self
            .agent
            .post(format!("{HOST}{path}"))
            .header("Authorization", self.authorization());
        answer(action, &self.at, request.send_json(body))
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.master_key.expose())
    }
}

/// Reads a whole answer.
fn answer(
    action: &'static str,
    at: &Path,
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<ApiResponse, ApiError> {
    let no_answer = |source| ApiError::NoAnswer {
        action,
        at: at.to_owned(),
        source: Box::new(source),
    };
    let mut response = response.map_err(no_answer)?;
    let text = response.body_mut().read_to_string().map_err(no_answer)?;
    let worker = response.headers().get(WORKER);
    Ok(ApiResponse {
        action,
        status: response.status().as_u16(),
        worker: worker.and_then(|name| Some(name.to_str().ok()?.to_owned())),
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    })
}

/// Neither proxies nor redirects: the server is this machine's, and what we send is secret.
fn agent(at: &Path) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build();
    let connector = UnixConnector(at.to_owned());
    // An address has nothing to be looked up.
    Agent::with_parts(config, connector, DefaultResolver::default())
}

impl ApiResponse {
    /// Which of LiteLLM's workers has given it, if it says so.
    pub(super) fn worker(&self) -> Option<String> {
        self.worker.clone()
    }

    /// The body of a success.
    pub(super) fn done(self) -> Result<Value, ApiError> {
        let action = self.action;
        self.found()?.ok_or_else(|| ApiError::Refused {
            action,
            status: 404,
            message: "there is no such thing".to_owned(),
        })
    }

    /// The body of a success, or nothing where there is no such thing.
    pub(super) fn found(self) -> Result<Option<Value>, ApiError> {
        match self.status {
            200..=299 => Ok(Some(self.body)),
            404 => Ok(None),
            status => Err(ApiError::Refused {
                action: self.action,
                status,
                message: message(&self.body),
            }),
        }
    }
}

/// What an answer says in words, with everything left out that looks like a key.
fn message(body: &Value) -> String {
    let text = body["error"]["message"]
        .as_str()
        .map_or_else(|| body.to_string(), str::to_owned);
    let outside = |c: char| !(c.is_alphanumeric() || "-_".contains(c));
    let mut shown = text.clone();
    for word in text.split(outside).filter(|word| word.starts_with("sk-")) {
        shown = shown.replace(word, "<secret>");
    }
    shown.chars().take(MESSAGE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_left_out_of_messages() {
        let body = json!({"error": {"message": "Key sk-12ab_c=, is 'sk-34': no"}});
        assert_eq!(message(&body), "Key <secret>=, is '<secret>': no");
    }
}
