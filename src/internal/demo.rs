//! The demo model: it needs no provider, and goes when a real model comes.
//!
//! It lives in LiteLLM's database like any other model, under an identity of ours, so that nothing
//! else is ever removed.

use serde_json::{Value, json};

use super::{ApiError, api::Api};

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
pub(super) fn ensure(api: &Api, wanted: bool) -> Result<DemoOutcome, ApiError> {
    let body = api.get("list the models", "/model/info")?.done()?;
    let models = body["data"].as_array().map_or(&[][..], Vec::as_slice);
    let ours = |model: &Value| model["model_info"]["id"] == ID;
    let there = models.iter().any(ours);
    let wanted = wanted && models.iter().all(ours);
    match (wanted, there) {
        (true, false) => {
            api.post("make the demo model", "/model/new", &model())?
                .done()?;
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
