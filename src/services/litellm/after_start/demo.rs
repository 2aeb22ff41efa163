//! The demo model: it needs no provider, and goes when a real model comes: at once by
//! `python/in_litellm/demo_model.py`, and where that did not succeed at LiteLLM's next start.
//!
//! It is in LiteLLM's database like any other model, under an identity of ours, so that nothing
//! else is ever removed.

use std::collections::BTreeSet;

use nix::poll::{PollTimeout, poll};
use serde_json::{Value, json};

use super::{
    ApiError,
    api::{Api, ApiResponse},
};

/// The pause between rounds of looks at whether every worker knows the model.
const PAUSE_MS: u16 = 500;
/// So many pauses are enough for all of them, even if none looked into the database when it is asked
/// to: each does by itself every 30 s (PROXY_CONFIG_RELOAD_INTERVAL_SECONDS in its constants.py).
const PAUSES: u32 = 80;
/// Looks between two pauses, for each worker: which of them takes a connection is not ours to say.
const LOOKS_PER_WORKER: u32 = 2;

/// What is done when the models are asked for, and where they are.
const LIST: &str = "list the models";
const MODELS: &str = "/model/info";

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
    listed(api.get(LIST, MODELS)?)
}

fn listed(answer: ApiResponse) -> Result<Vec<Value>, ApiError> {
    let mut body = answer.done()?;
    Ok(match body["data"].take() {
        Value::Array(models) => models,
        _ => Vec::new(),
    })
}

fn ours(model: &Value) -> bool {
    model["model_info"]["id"] == ID
}

/// Only one worker has made it. The others look into the database when they are asked to, and until
/// then would say that there is no such model; one that takes too long is no reason not to start.
///
/// Each says which it is: one that is idle may take every connection while another is busy.
fn until_known(api: &Api, workers: u32) -> Result<(), ApiError> {
    let mut knowing = BTreeSet::new();
    for _ in 0..PAUSES {
        for _ in 0..workers * LOOKS_PER_WORKER {
            let answer = api.get_afresh(LIST, MODELS)?;
            let worker = answer.worker();
            if listed(answer)?.iter().any(ours) {
                knowing.insert(worker);
            }
            if knowing.len() >= workers as usize {
                return Ok(());
            }
        }
        // Nothing to wait for but time; a signal only makes it shorter.
        let _shorter = poll(&mut [], PollTimeout::from(PAUSE_MS));
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
