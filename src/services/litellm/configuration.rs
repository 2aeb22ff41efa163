//! LiteLLM's configuration file, and what of it is put over one of the user's own.

use serde_json::{Map, Value, json};

use super::settings::DECIDED;
use crate::{config::settings::OwnFiles, services::own_environment};

/// A section, a key in it, and why the gateway decides the key.
type Decides = (&'static str, &'static str, &'static str);

/// What the gateway decides, whatever a configuration of the user's own says.
pub(super) const DECIDES: [Decides; 6] = [
    (
        "litellm_settings",
        "max_budget",
        "the key budget decides it",
    ),
    (
        "litellm_settings",
        "budget_duration",
        "a budget is for 30 days",
    ),
    (
        "litellm_settings",
        "request_timeout",
        "the key litellm.request_timeout decides it, for LiteLLM and nginx",
    ),
    (
        "general_settings",
        "store_model_in_db",
        "models are kept in the database",
    ),
    (
        "general_settings",
        "disable_env_credential_login",
        "the administrator is an account in the database",
    ),
    (
        "general_settings",
        "trusted_proxy_ranges",
        "nginx decides whose word on addresses counts",
    ),
];

/// What is taken out of a configuration of the user's own.
pub(super) const LEFT_OUT: [Decides; 4] = [
    (
        "general_settings",
        "disable_spend_updates",
        "without what was spent there is no budget",
    ),
    (
        "general_settings",
        "master_key",
        "set-up has made the key, and it is kept with the gateway's secrets",
    ),
    (
        "general_settings",
        "database_url",
        "the database is the gateway's own",
    ),
    (
        "general_settings",
        "database_type",
        "the database is the gateway's own",
    ),
];

/// The budget in US dollars, and the time of a request in seconds.
type Limits = (f64, u64);

/// What the gateway decides, with its values.
fn decided((budget, request_seconds): Limits) -> Value {
    json!({
        "litellm_settings": {
            // Of the whole gateway, in US dollars. Under general_settings it would be ignored.
            "max_budget": budget,
            "budget_duration": "30d",
            "request_timeout": request_seconds,
        },
        "general_settings": {
            "store_model_in_db": true,
            // The administrator is an account in the database (admin_account.py).
            "disable_env_credential_login": true,
            // Whose word on addresses counts is decided in nginx, which tells uvicorn.
            "trusted_proxy_ranges": [],
        },
    })
}

/// What the gateway prefers, where nobody says anything else.
fn preferred() -> Value {
    json!({
        "litellm_settings": { "telemetry": false },
        "general_settings": {
            // Seconds between writes of what is not in the journal of spend: statistics of tools and models.
            "proxy_batch_write_at": 5,
            // Seconds for which a worker believes what it has read of a key and of what was spent: so late may
            // a revoked key or a spent budget be noticed. LiteLLM's own value is 60.
            "user_api_key_cache_ttl": 10,
            // A health check asks every model, and a model's provider takes money for an answer.
            "background_health_checks": false,
            // A check of passwords sends a part of their hash to a service on the internet.
            "password_policy_check_breached_passwords": false,
        },
    })
}

/// The whole configuration, where the user has none. Keys and the database's address come from the environment;
/// models live in the database. JSON is YAML as well.
pub(super) fn render(limits: Limits) -> String {
    let mut all = Map::new();
    for part in [decided(limits), preferred()] {
        let Value::Object(sections) = part else {
            continue;
        };
        for (section, keys) in sections {
            let into = all.entry(section).or_insert_with(|| json!({}));
            if let (Some(into), Value::Object(keys)) = (into.as_object_mut(), keys) {
                into.extend(keys);
            }
        }
    }
    let all = serde_json::to_string_pretty(&all).unwrap_or_default();
    format!(
        "# Rendered at each start: changes here are lost. Models are kept in the database.\n{all}\n"
    )
}

/// What `gateway_config.py` puts over a configuration of the user's own, with the texts that were checked.
pub(super) fn overlay(limits: Limits, files: &OwnFiles) -> String {
    let keys = LEFT_OUT.iter();
    let keys = keys.map(|(section, key, _)| json!([section, key]));
    let names = DECIDED.iter().chain(&own_environment::WHOLE);
    let prefixes = own_environment::FOR_ALL.iter();
    let overlay = json!({
        "root": files.root,
        "texts": files.texts,
        // Nobody reads these, but a change of one of the files is a change of this one, for which LiteLLM restarts.
        "digests": files.digests,
        "decided": decided(limits),
        "preferred": preferred(),
        "left_out": keys.collect::<Vec<_>>(),
        "variables": {
            "names": names.map(|(name, _)| *name).collect::<Vec<_>>(),
            "prefixes": prefixes.map(|(prefix, _)| *prefix).collect::<Vec<_>>(),
        },
    });
    serde_json::to_string_pretty(&overlay).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_key_that_is_decided_the_reason_is_told() {
        let Value::Object(sections) = decided((1.0, 600)) else {
            panic!("no table");
        };
        let told = |section: &str, key: &str| {
            let mut all = DECIDES.iter();
            all.any(|(of, one, _)| *of == section && *one == key)
        };
        let mut count = 0;
        for (section, keys) in &sections {
            for key in keys.as_object().unwrap().keys() {
                assert!(told(section, key), "{section}.{key}");
                count += 1;
            }
        }
        assert_eq!(count, DECIDES.len());
    }
}
