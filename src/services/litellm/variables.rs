//! The environment of LiteLLM's process.

use std::{collections::BTreeMap, path::Path};

use supervise::spec::EnvValue;

use super::{DRAIN_SECONDS, IDLE_IN_DRAIN_SECONDS, PAYLOAD, SERVICE, UI_USER, engine};
use crate::services::{
    diet, own_environment,
    part::Inputs,
    postgres::{self, Pools},
    process::{environment, percent, plain, secret},
};
use crate::services::{diet::Diet, litellm::LiteLlm};

pub(super) fn all(inputs: &Inputs, home: &Path, config: &Path) -> BTreeMap<String, EnvValue> {
    let (installed, secrets) = (inputs.installed, inputs.secrets);
    let bin = installed.folder(&PAYLOAD).join("bin");
    let mut variables = environment(home, &[&bin, &installed.node_bin]);
    variables.extend([
        plain("CONFIG_FILE_PATH", config.display()),
        plain("NUM_WORKERS", LiteLlm::of(inputs.settings).workers),
        secret("DATABASE_URL", database_url(inputs)),
        secret("LITELLM_MASTER_KEY", secrets.expose(super::MASTER_KEY)),
        secret("LITELLM_SALT_KEY", secrets.expose(super::SALT_KEY)),
        plain("UI_USERNAME", UI_USER),
        secret("UI_PASSWORD", secrets.expose(super::UI_PASSWORD)),
        // Of gateway_drain.py.
        plain("AI_GATEWAY_DRAIN_SECONDS", DRAIN_SECONDS),
        plain("AI_GATEWAY_IDLE_SECONDS", IDLE_IN_DRAIN_SECONDS),
        // LiteLLM's own wait, which comes after that, finds nothing to wait for.
        plain("GRACEFUL_SHUTDOWN_TIMEOUT", 1),
        plain(
            "PRISMA_QUERY_ENGINE_BINARY",
            engine(installed, inputs.settings).display(),
        ),
        plain("STORE_MODEL_IN_DB", "True"),
        // LiteLLM counts its workers in the database and warns when it counts another number than
        // one, as after a crash. With more of them its warning is true: limits are each worker's.
        plain(
            "LITELLM_DISABLE_NO_REDIS_WARNING",
            LiteLlm::of(inputs.settings).workers == 1,
        ),
        diet::for_litellm(&Diet::of(inputs.settings)),
        diet::engine_options(
            &Diet::of(inputs.settings),
            inputs.limits(&SERVICE.service_name()).memory_max,
        ),
    ]);
    variables.extend(CONSTANTS.iter().map(|(name, value)| plain(name, value)));
    if inputs.settings.files.contains_key(&SERVICE.service_name()) {
        let overlay = inputs
            .paths
            .rendered(&SERVICE.service_name())
            .join(super::OVERLAY);
        variables.extend([plain("AI_GATEWAY_LITELLM_OVERLAY", overlay.display())]);
    }
    // What the gateway decides is not among them: the configuration was checked for that.
    variables.extend(own_environment::of(inputs, &SERVICE.service_name()));
    variables
}

/// What is the same for everybody.
pub(crate) const CONSTANTS: [(&str, &str); 22] = [
    // Set-up has migrated the database.
    ("DISABLE_SCHEMA_UPDATE", "true"),
    // Development mode reads a `.env` file from wherever it finds one.
    ("LITELLM_MODE", "PRODUCTION"),
    // Tables that it would otherwise fetch from its vendor, at start or at first use.
    ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
    ("LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "True"),
    ("LITELLM_LOCAL_AUTOROUTER_PRESETS", "True"),
    ("LITELLM_LOCAL_BLOG_POSTS", "True"),
    ("LITELLM_LOCAL_POLICY_TEMPLATES", "True"),
    // Nothing is told to anybody.
    ("LITELLM_TELEMETRY", "False"),
    ("DO_NOT_TRACK", "1"),
    ("HF_HUB_OFFLINE", "1"),
    ("HF_HUB_DISABLE_TELEMETRY", "1"),
    // Seconds after which a database that does not answer costs the query engine its life, and that
    // the next one has to start: LiteLLM's own 5 and 30 are over on a small machine that is busy.
    ("PRISMA_HEALTH_WATCHDOG_PROBE_TIMEOUT_SECONDS", "30"),
    ("PRISMA_WATCHDOG_RECONNECT_TIMEOUT_SECONDS", "90"),
    // The same where a request is what finds the engine gone: LiteLLM's own 2 end an engine that only
    // starts slowly.
    ("PRISMA_AUTH_RECONNECT_TIMEOUT_SECONDS", "90"),
    // Seconds between looks at the database, and between attempts to have an engine again. By LiteLLM's
    // own 30 and 15 a start that failed leaves it without a database for half a minute.
    ("PRISMA_HEALTH_WATCHDOG_INTERVAL_SECONDS", "10"),
    ("PRISMA_RECONNECT_COOLDOWN_SECONDS", "5"),
    // A statement of 100 rows of spend, which is LiteLLM's own measure, is a megabyte: while it is
    // written, and while the query engine reads it, every request waits.
    ("SPEND_LOG_WRITE_BATCH_MAX_ROWS", "25"),
    // Log what a person may want to read, at once.
    ("LITELLM_LOG", "WARNING"),
    ("LITELLM_DONT_SHOW_FEEDBACK_BOX", "true"),
    ("PYTHONUNBUFFERED", "1"),
    ("NO_COLOR", "1"),
    // The working folder is no place to import from.
    ("PYTHONSAFEPATH", "1"),
];

/// For Prisma: the host is in the query, the one before the path only completes the address.
fn database_url(inputs: &Inputs) -> String {
    let limit = Pools::plan(inputs.settings, inputs.database_pools).each;
    let folder = postgres::socket_folder(inputs.paths);
    format!(
        "postgresql://litellm:{}@localhost:{}/litellm?host={}&connection_limit={limit}&pool_timeout=60",
        percent(inputs.secrets.expose(super::DATABASE_PASSWORD)),
        postgres::PORT,
        percent(&folder.display().to_string()),
    )
}
