//! The demo model: it needs no provider, and goes when a real model comes: at once by
//! `stack/litellm/demo_model.py`, and where that did not succeed at LiteLLM's next start.
//!
//! It lives in LiteLLM's database like any other model, under an identity of ours, so that nothing
//! else is ever removed.

use nix::poll::{PollTimeout, poll};
use serde_json::{Value, json};

use super::{ApiError, api::Api};

/// LiteLLM's workers look into the database for new models every ten seconds (its
/// `proxy_config_reload`), each by itself; this is the pause between looks at whether they have.
const PAUSE_MS: u16 = 500;
/// So many pauses are enough for all of them.
const PAUSES: u32 = 40;
/// A connection goes to any worker: so many answers in a row for each of them leave a chance of less
/// than one in a thousand that one was never asked.
const ANSWERS_PER_WORKER: u32 = 8;

/// The name that clients ask for.
pub const MODEL: &str = "demo";

/// What marks it as ours.
const ID: &str = "ai-gateway-demo";

const ANSWER: &str = "This is the gateway's demo model. No provider is connected yet, so the answer \
    is always this one, and it costs nothing. Add a model on LiteLLM's admin page, and this one goes \
    away.";

/// What was done about the demo model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoOutcome {
    /// It is there because nothing else is, or it is not there, as it should be.
    Kept,
    /// It was made.
    Made,
    /// It was removed.
    Removed,
}

/// Makes or removes it. One question where all is well.
///
/// # Errors
/// LiteLLM's refusal.
pub(super) fn ensure(api: &Api, wanted: bool, workers: u32) -> Result<DemoOutcome, ApiError> {
    let models = models(api)?;
    let there = models.iter().any(ours);
    let wanted = wanted && models.iter().all(ours);
    match (wanted, there) {
        (true, false) => {
            api.post("make the demo model", "/model/new", &model())?
                .done()?;
            if workers > 1 {
                until_known(api, workers)?;
            }
            Ok(DemoOutcome::Made)
        }
        (false, true) => {
            api.post("remove the demo model", "/model/delete", &json!({"id": ID}))?
                .found()?;
            Ok(DemoOutcome::Removed)
        }
        (true, true) | (false, false) => Ok(DemoOutcome::Kept),
    }
}

fn models(api: &Api) -> Result<Vec<Value>, ApiError> {
    let mut body = api.get("list the models", "/model/info")?.done()?;
    Ok(match body["data"].take() {
        Value::Array(models) => models,
        _ => Vec::new(),
    })
}

fn ours(model: &Value) -> bool {
    model["model_info"]["id"] == ID
}

/// Only one worker has made it. The others find it by themselves after a while, and until then
/// would say that there is no such model; one that takes too long is no reason not to start.
fn until_known(api: &Api, workers: u32) -> Result<(), ApiError> {
    let (mut in_a_row, mut pauses) = (0, 0);
    while in_a_row < workers * ANSWERS_PER_WORKER && pauses < PAUSES {
        if models(api)?.iter().any(ours) {
            in_a_row += 1;
        } else {
            in_a_row = 0;
            pauses += 1;
            // Nothing to wait for but time; a signal only makes it shorter.
            let _shorter = poll(&mut [], PollTimeout::from(PAUSE_MS));
        }
    }
    Ok(())
}

fn model() -> Value {
    json!({
        "model_name": MODEL,
        "litellm_params": {
            "model": "openai/demo",
            // Never asked for; without one LiteLLM would look for OpenAI's in its environment.
            "api_key": "none",
            "mock_response": ANSWER,
        },
        "model_info": {"id": ID, "description": "made by ai-gateway; answers without a provider"},
    })
}
