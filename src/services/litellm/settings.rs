//! Its keys of `gateway.toml`, and what they say.

use std::path::PathBuf;

use crate::config::{
    BudgetWords, Resources, ValueKind, Values,
    report::Problem,
    resolve::Merged,
    schema::{
        AskWhen, Declaration, Default, Key,
        keys::{asked, flag, key, short},
    },
    settings::Settings,
};
use crate::services::own_environment::{self, Decided};

/// Variables of a person's own.
pub(super) const ENVIRONMENT: &str = "litellm.environment";
/// The user's own configuration of LiteLLM.
pub(super) const CONFIG: &str = "litellm.config";
/// How long a request may take.
const REQUEST_TIMEOUT: &str = "litellm.request_timeout";
/// Worker processes.
pub(super) const WORKERS: &str = "litellm.workers";
pub(super) use crate::provision::tools::{NODE, PYTHON};

pub(super) const DECLARATION: Declaration = Declaration {
    keys: KEYS,
    tables: &[
        ("litellm", "LiteLLM, the proxy in front of the models."),
        (
            "engine",
            "The query engine by which LiteLLM reaches its database.",
        ),
    ],
    removed: &[],
    check: Some(check),
    programs: Some(programs),
};

/// LiteLLM enforces a budget only if it is greater than zero, in `_global_proxy_budget_check` and at three
/// other places, and takes 0 to mean that there is none.
const BUDGET: BudgetWords = BudgetWords {
    no_zero: "LiteLLM takes 0 to mean no budget at all",
    instead: "to have all requests refused: 'ai-gateway stop litellm'",
};

/// The variables of LiteLLM that the gateway decides, each with the reason.
pub(in crate::services) const DECIDED: [Decided; 18] = [
    ("CONFIG_FILE_PATH", "the gateway writes the configuration"),
    (
        "LITELLM_CONFIG_BUCKET_NAME",
        "LiteLLM would not read the gateway's configuration",
    ),
    ("NUM_WORKERS", "the key litellm.workers decides it"),
    ("DATABASE_URL", "the database is the gateway's own"),
    ("DIRECT_URL", "the database is the gateway's own"),
    (
        "DATABASE_URL_READ_REPLICA",
        "the database is the gateway's own",
    ),
    ("IAM_TOKEN_DB_AUTH", "the database is the gateway's own"),
    (
        "LITELLM_MASTER_KEY",
        "set-up has made it, and it is kept with the gateway's secrets",
    ),
    (
        "LITELLM_SALT_KEY",
        "set-up has made it, and what the database holds is encrypted with it",
    ),
    (
        "UI_USERNAME",
        "'ai-gateway key' shows who may log in to the admin page",
    ),
    (
        "UI_PASSWORD",
        "'ai-gateway key' shows who may log in to the admin page",
    ),
    ("STORE_MODEL_IN_DB", "models are kept in the database"),
    ("DISABLE_SCHEMA_UPDATE", "set-up migrates the database"),
    (
        "LITELLM_MODE",
        "in another mode LiteLLM reads variables from any .env file that it finds",
    ),
    (
        "GRACEFUL_SHUTDOWN_TIMEOUT",
        "the gateway has waited for the requests before",
    ),
    (
        "PRISMA_QUERY_ENGINE_BINARY",
        "the table [engine] decides which query engine runs",
    ),
    (
        "PRISMA_QUERY_ENGINE_LIBRARY",
        "the table [engine] decides which query engine runs",
    ),
    (
        "QUERY_ENGINE_NODE_OPTIONS",
        "the memory of the query engine is sized by it",
    ),
];

const KEYS: &[Key] = &[
    asked(
        "Budget: test, prod, unlimited or US dollars",
        AskWhen::Always,
        flag(
            "budget",
            "BUDGET",
            "What may be spent in 30 days: test, prod, unlimited or US dollars",
            key(
                "budget",
                ValueKind::Budget(&BUDGET),
                Default::Value("\"test\""),
                "\"prod\"",
                "What may be spent at the providers in 30 days: \"test\" (15 US dollars), \"prod\" (200), \"unlimited\" (1000), or an amount in US dollars from 0.01 on. There is always one: LiteLLM takes 0 to mean none.",
            ),
        ),
    ),
    short(
        "workers",
        key(
            "litellm.workers",
            ValueKind::Whole { min: 1, max: 64 },
            Default::Profile,
            "2",
            "Worker processes. Each further one needs about 600 MB.",
        ),
    ),
    short(
        "demo-model",
        key(
            "litellm.demo_model",
            ValueKind::Bool,
            Default::Value("true"),
            "true",
            "Whether there is a model that answers by itself, without any provider, for as long as there is no other.",
        ),
    ),
    short(
        "request-timeout",
        key(
            REQUEST_TIMEOUT,
            ValueKind::Time,
            Default::Value("\"10 min\""),
            "\"30 min\"",
            "How long a request to a model may take. Then it has failed, in LiteLLM and in nginx alike. A stream counts from one piece of the answer to the next in nginx.",
        ),
    ),
    short(
        "litellm-config",
        key(
            CONFIG,
            ValueKind::Path,
            Default::Unset("the gateway's own alone"),
            "\"/etc/ai-gateway/config.yaml\"",
            "A config.yaml of your own for LiteLLM: models, routing, guardrails, callbacks. It is read where it lies, with its includes and the Python files beside it, and the gateway's settings are put over it; `config check` says which of its keys have no effect, and why. A value os.environ/NAME is the variable of that name in litellm.environment, or the secret NAME. A change restarts LiteLLM at the next reload.",
        ),
    ),
    short(
        "litellm-environment",
        key(
            ENVIRONMENT,
            ValueKind::Environment,
            Default::Value("{}"),
            "{ GROQ_API_KEY = \"secret:GROQ_API_KEY\" }",
            "More variables for LiteLLM: a provider's key, the settings of a callback. A value \"secret:NAME\" is the secret of that name ('ai-gateway secret set NAME'). A change restarts LiteLLM.",
        ),
    ),
    short(
        "engine",
        key(
            "engine.kind",
            ValueKind::Choice(&["wasm", "program", "download"]),
            Default::Value("\"wasm\""),
            "\"wasm\"",
            "\"wasm\" is the official build for WebAssembly in a small server of our own. \"program\" is a native engine that is there (engine.path), \"download\" a native one to fetch (engine.url and engine.sha256).",
        ),
    ),
    short(
        "engine-path",
        key(
            "engine.path",
            ValueKind::Path,
            Default::Unset("none, and needed with kind \"program\""),
            "\"/opt/prisma/query-engine\"",
            "The native engine.",
        ),
    ),
    short(
        "engine-url",
        key(
            "engine.url",
            ValueKind::Url,
            Default::Unset("none, and needed with kind \"download\""),
            "\"https://example.org/query-engine\"",
            "Where the native engine is downloaded from.",
        ),
    ),
    short(
        "engine-sha256",
        key(
            "engine.sha256",
            ValueKind::Sha256,
            Default::Unset("none, and needed with kind \"download\""),
            "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
            "The SHA-256 of what is downloaded.",
        ),
    ),
    short(
        "python",
        key(
            PYTHON,
            ValueKind::Path,
            Default::Unset("the one that is found"),
            "\"/usr/bin/python3.11\"",
            "The Python that the environments are made with.",
        ),
    ),
    short(
        "node",
        key(
            NODE,
            ValueKind::Path,
            Default::Unset("the one that is found"),
            "\"/usr/bin/node\"",
            "Node.js, which runs the engine of kind \"wasm\".",
        ),
    ),
];

/// What they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteLlm {
    /// Worker processes, at least 1.
    pub workers: u32,
    /// Whether a model that needs no provider is there until a real one is.
    pub demo_model: bool,
    /// After so many seconds, at least 1, a request that has no answer has failed.
    pub request_seconds: u64,
}

impl LiteLlm {
    /// Of these settings.
    pub fn of(settings: &Settings) -> Self {
        let workers = settings.values.whole("litellm.workers").unwrap_or(1);
        Self {
            workers: u32::try_from(workers).unwrap_or(u32::MAX),
            demo_model: settings.values.flag("litellm.demo_model"),
            request_seconds: settings.values.time(REQUEST_TIMEOUT).as_secs().max(1),
        }
    }
}

/// Where LiteLLM's query engine comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineSource {
    /// Our own server around the official wasm build.
    Wasm,
    /// A native engine that is there.
    Program(PathBuf),
    /// A native engine to download.
    Download {
        /// From where.
        url: String,
        /// In lower-case hexadecimal.
        sha256: String,
    },
}

impl EngineSource {
    /// Of these settings.
    pub fn of(settings: &Settings) -> Self {
        engine(&settings.values)
    }
}

fn engine(values: &Values) -> EngineSource {
    match (values.text("engine.kind"), values.path("engine.path")) {
        ("program", Some(path)) => EngineSource::Program(path),
        ("download", _) => EngineSource::Download {
            url: values.text("engine.url").to_owned(),
            sha256: values.text("engine.sha256").to_owned(),
        },
        _ => EngineSource::Wasm,
    }
}

/// The programs that are named.
fn programs(values: &Values) -> Vec<(&'static str, PathBuf)> {
    let engine = match engine(values) {
        EngineSource::Program(path) => Some(path),
        EngineSource::Wasm | EngineSource::Download { .. } => None,
    };
    let named = [
        (PYTHON, values.path(PYTHON)),
        (NODE, values.path(NODE)),
        ("engine.path", engine),
    ];
    let named = named.into_iter();
    named.filter_map(|(key, path)| Some((key, path?))).collect()
}

/// What the kind of engine needs, and what is of no use to it; and more workers than CPUs.
fn check(all: &Merged, machine: Option<Resources>) -> Vec<Problem> {
    let mut problems = engine_keys(all);
    problems.extend(own_environment::check(all, ENVIRONMENT, &DECIDED));
    problems.extend(no_yaml(all));
    problems.extend(machine.and_then(|machine| too_many_workers(all, machine)));
    problems
}

/// LiteLLM reads a configuration only by such a name, and starts without any otherwise.
fn no_yaml(all: &Merged) -> Option<Problem> {
    let path = all.path(CONFIG)?;
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    (extension != "yaml" && extension != "yml").then(|| {
        Problem::error(format!("`{CONFIG}` is no name of a YAML file")).at(
            all.place(CONFIG),
            "expected a name that ends in .yaml or .yml",
        )
    })
}

fn engine_keys(all: &Merged) -> Vec<Problem> {
    let mut problems = Vec::new();
    let kind = all.text("engine.kind").unwrap_or_default();
    if !all.sound("engine.kind") {
        return problems;
    }
    let needed: &[&str] = match kind {
        "program" => &["engine.path"],
        "download" => &["engine.url", "engine.sha256"],
        _ => &[],
    };
    for name in needed {
        if !all.is_set(name) && all.sound(name) {
            problems.push(Problem::error(format!("`{name}` is missing")).at(
                all.place("engine.kind"),
                format!("kind \"{kind}\" needs it"),
            ));
        }
    }
    for name in ["engine.path", "engine.url", "engine.sha256"] {
        if !needed.contains(&name) && all.is_set(name) {
            problems.push(
                Problem::warning(format!("`{name}` has no effect"))
                    .at(all.place(name), format!("not used with kind \"{kind}\"")),
            );
        }
    }
    problems
}

fn too_many_workers(all: &Merged, machine: Resources) -> Option<Problem> {
    let chosen = all.place(WORKERS).or_else(|| all.place("profile"))?;
    let workers = all.whole(WORKERS).unwrap_or_default();
    let by_profile = all.place(WORKERS).is_none();
    let unlimited = by_profile && all.profile.memory.is_none();
    (workers > u64::from(machine.cpus) && !unlimited).then(|| {
        let title = format!("LiteLLM gets {workers} workers, more than there are CPUs");
        Problem::warning(title)
            .at(Some(chosen), format!("this machine has {}", machine.cpus))
            .note("each takes about 600 MB, and they would wait for one another")
    })
}
