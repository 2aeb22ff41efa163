//! LiteLLM's configuration file.

use super::REQUEST_SECONDS;

/// Keys and the database's address come from the environment; models live in the database.
pub(super) fn render(budget: f64) -> String {
    format!(
        "\
# Rendered at each start: changes here are lost. Models are kept in the database.
litellm_settings:
  # Of the whole gateway, in US dollars. Under general_settings it would be ignored.
  max_budget: {budget}
  budget_duration: 30d
  request_timeout: {REQUEST_SECONDS}
  telemetry: false
general_settings:
  store_model_in_db: true
  # Seconds between writes of what is not in the journal of spend: statistics of tools and models.
  proxy_batch_write_at: 5
  # Seconds for which a worker believes what it has read of a key and of what was spent: so late may
  # a revoked key or a spent budget be noticed. LiteLLM's own value is 60.
  user_api_key_cache_ttl: 10
  # A health check asks every model, and a model's provider takes money for an answer.
  background_health_checks: false
  # The administrator is an account in the database (admin_account.py).
  disable_env_credential_login: true
  # A check of passwords sends a part of their hash to a service on the internet.
  password_policy_check_breached_passwords: false
  # Whose word on addresses counts is decided in nginx, which tells uvicorn.
  trusted_proxy_ranges: []
"
    )
}
