//! `ai-gateway ask`: one question, sent on the same way as every chat: through nginx and LiteLLM, with a
//! virtual key from the database, to a model.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{
    context::{Context, print, tell},
    failure::{CommandExit, Failure},
    settings,
};
use crate::{
    control::{client::ClientError, types::Urls},
    secrets::{Secret, SecretStore},
    services::{self, litellm, open_webui},
};

/// How long an answer may take. A model that thinks may need a while.
const PATIENCE: Duration = Duration::from_secs(300);

/// The name of the demo model.
const DEMO: &str = "demo";

/// Ask a model one question
///
/// The question goes the way of every chat: through nginx to LiteLLM, with a virtual key that is
/// looked up in the database, to the model. The demo model answers without a provider and for
/// free; a real one costs what it costs.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The question
    #[arg(default_value = "Are you there?")]
    question: String,
    /// The model; without it, the first that there is
    #[arg(long, short)]
    model: Option<String>,
}

pub(in crate::cli) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let loaded = settings::read(context, &[])?;
    let kind = if loaded.settings.has(open_webui::NAME) {
        open_webui::VIRTUAL_KEY
    } else {
        litellm::MASTER_KEY
    };
    let key = SecretStore::new(context.paths.secrets())
        .read(kind)
        .map_err(|e| {
            Failure::of(CommandExit::Failed, &e).hint("'ai-gateway setup' makes the keys")
        })?;
    let gateway = Gateway {
        urls: services::urls(&loaded.settings),
        key,
        context,
    };
    let model = match &args.model {
        Some(model) => model.clone(),
        None => gateway.first_model()?,
    };
    tell(format!("{model} is asked\n"));
    let answer = gateway.ask(&model, &args.question)?;
    print(format!("{answer}\n"))
}

struct Gateway<'a> {
    urls: Urls,
    key: Secret,
    context: &'a Context,
}

impl Gateway<'_> {
    fn url(&self, name: &str) -> &str {
        self.urls.get(name).unwrap_or_default()
    }

    fn first_model(&self) -> Result<String, Failure> {
        let list = self.call("/models", None)?;
        let name = |model: &Value| Some(model.get("id")?.as_str()?.to_owned());
        let models: Vec<_> = list["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(name)
            .collect();
        let demo = models.iter().find(|model| *model == DEMO);
        demo.or(models.first()).cloned().ok_or_else(|| {
            Failure::new(CommandExit::Failed, "there is no model").hint(format!(
                "add one on the admin page, {}, or set litellm.demo_model to true",
                self.url(litellm::ADMIN)
            ))
        })
    }

    fn ask(&self, model: &str, question: &str) -> Result<String, Failure> {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": question }] });
        let answer = self.call("/chat/completions", Some(&body))?;
        match answer["choices"][0]["message"]["content"].as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(
                Failure::new(CommandExit::Failed, format!("{model} gave no text"))
                    .cause(answer.to_string()),
            ),
        }
    }

    /// Sends one call to the API. If it failed, the error says why.
    fn call(&self, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            // This machine is reached directly, whatever proxy the environment names.
            .proxy(None)
            .build()
            .into();
        let url = format!("{}{path}", self.url(litellm::API));
        let bearer = format!("Bearer {}", self.key.expose());
        let response = match body {
            None => agent.get(&url).header("Authorization", bearer).call(),
            Some(body) => agent
                .post(&url)
                .header("Authorization", bearer)
                .send_json(body),
        };
        let mut response = response.map_err(|error| self.unanswered(&url, &error))?;
        let status = response.status();
        let body: Value = response.body_mut().read_json().unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let failure = Failure::new(
            CommandExit::Failed,
            format!("{url} answered {}", status.as_u16()),
        );
        Err(match body["error"]["message"].as_str() {
            Some(why) => failure.cause(why),
            None => failure,
        })
    }

    fn unanswered(&self, url: &str, error: &ureq::Error) -> Failure {
        match self.context.connect() {
            Err(error @ ClientError::NotRunning { .. }) => error.into(),
            Ok(_) | Err(_) => Failure::new(CommandExit::Failed, format!("{url} does not answer"))
                .cause(error.to_string())
                .hint("'ai-gateway status' shows what is ready"),
        }
    }
}
