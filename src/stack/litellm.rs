//! LiteLLM: the API, its budgets, keys and models.
//!
//! It runs under uvicorn, by a launcher of ours (`gateway_server.py`) on a Unix socket that the
//! supervisor holds, and not under its own command line: that one opens a port of its own, and compares the database's schema through Prisma's command line at each start,
//! which takes seconds and wants to download a program. What it does besides (the pool's size in
//! the database's address, the number of workers in the environment) is done here.

use std::{collections::BTreeMap, path::Path, time::Duration};

use supervise::spec::{
    Address, Command, EnvValue, FIRST_LISTENER, HttpTarget, Listener, Liveness, Probe, ServiceKind,
    ServiceSpec, Startup, StopStep,
};

use super::{
    Inputs, KEEP_ALIVE_SECONDS, LITELLM, POSTGRES, Part, RenderedFile, always, diet, environment,
    name, open_webui, percent, plain, pools, postgres, python_files, secret,
};
use crate::{
    internal::{Context, Database},
    python,
};

/// Who may log in to the admin page.
pub const UI_USER: &str = "admin";

/// A request that takes longer than this has failed: the same for LiteLLM and for nginx.
pub(super) const REQUEST_SECONDS: u32 = 300;

/// From the wish to stop to the end of the last request.
pub const DRAIN_SECONDS: u64 = 30;

/// The file in LiteLLM's folder with the number of requests that a stop waits for
/// (`gateway_drain.py`).
pub const IN_FLIGHT: &str = "in-flight";

/// How long nginx keeps a connection that nobody uses, in seconds: short, because a stop waits for
/// them, and a new one costs a Unix socket little.
pub(super) const IDLE_SECONDS: u16 = 1;

/// After so many seconds without a request a stop knows that nginx has closed its connections.
const IDLE_IN_DRAIN_SECONDS: u16 = 2;
const _: () = assert!(IDLE_SECONDS < IDLE_IN_DRAIN_SECONDS);

pub(super) fn plan(inputs: &Inputs) -> Part {
    let service = name(LITELLM);
    let rendered = inputs.paths.rendered(&service);
    let config = rendered.join("config.yaml");
    let cwd = inputs.paths.service(&service);
    let socket = inputs.paths.litellm_socket();
    let at = Address::Unix(socket.clone());
    let get = |path: &str| {
        Probe::Http(HttpTarget {
            at: at.clone(),
            path: path.to_owned(),
        })
    };
    let internal = |command| internal(inputs, command, &cwd);
    let spec = ServiceSpec {
        command: Command {
            program: inputs.installed.litellm.join("bin/python"),
            args: arguments(inputs, &rendered),
            env: variables(inputs, &cwd, &config),
            cwd: cwd.clone(),
        },
        // Its folder has mode 0700: who asks LiteLLM past nginx is us.
        kind: ServiceKind::Daemon,
        files: [].into(),
        listeners: vec![Listener::Unix(socket)],
        requires: [name(POSTGRES)].into(),
        // Its pool connects again by itself.
        restart_with_requirements: false,
        startup: Startup {
            // A machine with 1 GB that booted while its host was busy took more than 300 seconds, and to
            // begin anew makes no start quicker.
            deadline: Duration::from_secs(900),
            readiness: Some(get("/health/readiness")),
            listens: None,
            every: Duration::from_millis(100),
            timeout: Duration::from_secs(5),
            post_start: Some(internal("ensure-webui-key")),
        },
        liveness: Some(Liveness {
            // Says that the event loop turns, and nothing of the database: a database that is down
            // is no reason to restart LiteLLM.
            probe: get("/health/liveliness"),
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            failures: 3,
            restart_after: Some(12),
            hung_after: Some(2),
        }),
        restart: always(Duration::from_secs(120)),
        // It drains by itself (`gateway_drain.py`), and what it has counted is written afterwards.
        success_exit: [].into(),
        reload: None,
        stop: vec![StopStep::Signal {
            signal: 15,
            timeout: Duration::from_secs(DRAIN_SECONDS + 30),
        }],
        limits: inputs.limits(&service),
        recycle: inputs.recycle(),
        name: service,
    };
    Part {
        spec,
        folders: vec![],
        files: [RenderedFile {
            path: config,
            contents: config_file(inputs.settings.budget.usd),
        }]
        .into_iter()
        .chain(python_files(&rendered, python::IN_LITELLM))
        .collect(),
    }
}

/// What Python is told to run.
const LAUNCHER: &str = "gateway_server.py";

fn arguments(inputs: &Inputs, rendered: &Path) -> Vec<String> {
    let mut arguments = vec![rendered.join(LAUNCHER).display().to_string()];
    for (option, value) in [
        ("--socket", FIRST_LISTENER.to_string()),
        ("--workers", inputs.settings.litellm.workers.to_string()),
        ("--keep-alive", KEEP_ALIVE_SECONDS.to_string()),
    ] {
        arguments.extend([option.to_owned(), value]);
    }
    arguments
}

fn variables(inputs: &Inputs, home: &Path, config: &Path) -> BTreeMap<String, EnvValue> {
    let (installed, secrets) = (inputs.installed, inputs.secrets);
    let bin = installed.litellm.join("bin");
    let mut variables = environment(home, &[&bin, &installed.node_bin]);
    variables.extend([
        plain("CONFIG_FILE_PATH", config.display()),
        plain("NUM_WORKERS", inputs.settings.litellm.workers),
        secret("DATABASE_URL", database_url(inputs)),
        secret("LITELLM_MASTER_KEY", secrets.litellm_master_key.expose()),
        secret("LITELLM_SALT_KEY", secrets.litellm_salt_key.expose()),
        plain("UI_USERNAME", UI_USER),
        secret("UI_PASSWORD", secrets.litellm_ui_password.expose()),
        // Of gateway_drain.py.
        plain("AI_GATEWAY_DRAIN_SECONDS", DRAIN_SECONDS),
        plain("AI_GATEWAY_IDLE_SECONDS", IDLE_IN_DRAIN_SECONDS),
        // LiteLLM's own wait, which comes after that, finds nothing to wait for.
        plain("GRACEFUL_SHUTDOWN_TIMEOUT", 1),
        plain("PRISMA_QUERY_ENGINE_BINARY", installed.engine.display()),
        plain("STORE_MODEL_IN_DB", "True"),
        // LiteLLM counts its workers in the database and warns when it counts another number than
        // one, as after a crash. With more of them its warning is true: limits are each worker's.
        plain(
            "LITELLM_DISABLE_NO_REDIS_WARNING",
            inputs.settings.litellm.workers == 1,
        ),
        diet::for_litellm(&inputs.settings.diet),
        diet::engine_options(
            &inputs.settings.diet,
            inputs.limits(&name(LITELLM)).memory_max,
        ),
    ]);
    variables.extend(CONSTANTS.iter().map(|(name, value)| plain(name, value)));
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
    let limit = pools::Pools::plan(inputs.settings).litellm_worker;
    let folder = inputs.paths.postgres_socket_folder();
    format!(
        "postgresql://litellm:{}@localhost:{}/litellm?host={}&connection_limit={limit}&pool_timeout=60",
        percent(inputs.secrets.postgres_litellm_password.expose()),
        postgres::PORT,
        percent(&folder.display().to_string()),
    )
}

fn internal(inputs: &Inputs, command: &str, cwd: &Path) -> Command {
    let context = Context {
        litellm: inputs.paths.litellm_socket(),
        api_base: open_webui::api_base(&inputs.settings.listen),
        secrets: inputs.paths.secrets(),
        memory: cwd.to_owned(),
        control: inputs.paths.control_socket(),
        demo_model: inputs.settings.litellm.demo_model,
        workers: inputs.settings.litellm.workers,
        open_webui: inputs.settings.open_webui.enabled.then(|| Database {
            psql: inputs.installed.postgres_bin.join("psql"),
            socket_folder: inputs.paths.postgres_socket_folder(),
        }),
    };
    // The home is where this program would look for a gateway; here it is told, and the service's
    // folder may be so deep that no socket fits below it.
    let mut env = environment(Path::new("/"), &[]);
    env.extend(
        context
            .variables()
            .into_iter()
            .map(|(name, value)| plain(name, value)),
    );
    Command {
        program: inputs.installed.ai_gateway.clone(),
        args: vec!["internal".to_owned(), command.to_owned()],
        env,
        cwd: cwd.to_owned(),
    }
}

/// Keys and the database's address come from the environment; models live in the database.
fn config_file(budget: f64) -> String {
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
