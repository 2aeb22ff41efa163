//! Variables that a person gives to services: who gets them, and which are refused.

use std::{collections::BTreeSet, path::PathBuf};

use supervise::spec::{EnvValue, ServiceName, ServiceSpec};

use super::{planned, settings, settings_with};
use crate::{
    config::{
        self,
        settings::{OwnFiles, Settings},
    },
    services::{litellm, open_webui, own_environment::decided, schema},
    stack::Stack,
};

fn service<'a>(stack: &'a Stack, name: &str) -> &'a ServiceSpec {
    let mut services = stack.services.iter();
    services.find(|spec| spec.name.as_str() == name).unwrap()
}

/// What `config check` says of these lines.
fn refused(lines: &str) -> String {
    let report = config::of_profile(schema(), "small", lines).unwrap_err();
    report.titles().collect::<Vec<_>>().join("\n") + "\n" + &report.to_string()
}

#[test]
fn a_variable_reaches_its_service_as_a_secret_and_no_other() {
    let lines = "litellm.environment = { GROQ_API_KEY = \"gsk-1\" }\n\
                 open_webui.environment = { WEBUI_NAME = \"Ours\" }";
    let stack = planned(&settings_with("small", lines));
    let groq = &service(&stack, litellm::NAME).command.env["GROQ_API_KEY"];
    assert_eq!(groq, &EnvValue::Secret("gsk-1".into()));
    let name = &service(&stack, open_webui::NAME).command.env["WEBUI_NAME"];
    assert_eq!(name.expose(), "Ours");
    for spec in &stack.services {
        let has = |variable: &str| spec.command.env.contains_key(variable);
        assert_eq!(has("GROQ_API_KEY"), spec.name.as_str() == litellm::NAME);
        assert_eq!(has("WEBUI_NAME"), spec.name.as_str() == open_webui::NAME);
    }
    assert!(!format!("{stack:?}").contains("gsk-1"));
    assert!(!format!("{:?}", settings_with("small", lines)).contains("gsk-1"));
}

#[test]
fn a_person_may_change_what_the_gateway_only_prefers() {
    let stack = planned(&settings_with(
        "small",
        "litellm.environment = { LITELLM_LOG = \"DEBUG\" }\n\
         open_webui.environment = { OFFLINE_MODE = \"false\" }",
    ));
    let of = |name, variable: &str| {
        service(&stack, name).command.env[variable]
            .expose()
            .to_owned()
    };
    assert_eq!(of(litellm::NAME, "LITELLM_LOG"), "DEBUG");
    assert_eq!(of(open_webui::NAME, "OFFLINE_MODE"), "false");
}

/// Those of our variables that a person may change. Whoever adds a variable decides here or in `DECIDED`.
const MAY_BE_CHANGED: &str = "\
    LANG NO_COLOR DO_NOT_TRACK HF_HUB_OFFLINE HF_HUB_DISABLE_TELEMETRY \
    LITELLM_LOCAL_MODEL_COST_MAP LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS LITELLM_LOCAL_AUTOROUTER_PRESETS \
    LITELLM_LOCAL_BLOG_POSTS LITELLM_LOCAL_POLICY_TEMPLATES LITELLM_TELEMETRY LITELLM_LOG \
    LITELLM_DONT_SHOW_FEEDBACK_BOX LITELLM_DISABLE_NO_REDIS_WARNING SPEND_LOG_WRITE_BATCH_MAX_ROWS \
    PRISMA_HEALTH_WATCHDOG_PROBE_TIMEOUT_SECONDS PRISMA_WATCHDOG_RECONNECT_TIMEOUT_SECONDS \
    PRISMA_AUTH_RECONNECT_TIMEOUT_SECONDS PRISMA_HEALTH_WATCHDOG_INTERVAL_SECONDS \
    PRISMA_RECONNECT_COOLDOWN_SECONDS \
    WEBUI_URL CORS_ALLOW_ORIGIN ENV VECTOR_DB ENABLE_OLLAMA_API OLLAMA_BASE_URL RAG_EMBEDDING_ENGINE \
    RAG_EMBEDDING_MODEL AUDIO_STT_ENGINE AUDIO_STT_MODEL AUDIO_TTS_ENGINE IMAGE_GENERATION_ENGINE OFFLINE_MODE \
    ENABLE_VERSION_UPDATE_CHECK ANONYMIZED_TELEMETRY SCARF_NO_ANALYTICS USER_AGENT AUDIT_UVICORN_LOGGER_NAMES \
    OPENAI_API_BASE_URL OPENAI_API_KEY RAG_OPENAI_API_BASE_URL RAG_OPENAI_API_KEY AUDIO_STT_OPENAI_API_BASE_URL \
    AUDIO_STT_OPENAI_API_KEY AUDIO_TTS_OPENAI_API_BASE_URL AUDIO_TTS_OPENAI_API_KEY IMAGES_OPENAI_API_BASE_URL \
    IMAGES_OPENAI_API_KEY IMAGES_EDIT_OPENAI_API_BASE_URL IMAGES_EDIT_OPENAI_API_KEY \
    MALLOC_TRIM_THRESHOLD_ MALLOC_MMAP_THRESHOLD_";

#[test]
fn of_each_variable_it_is_said_whether_a_person_may_change_it() {
    let stack = planned(&settings("small"));
    let may: BTreeSet<_> = MAY_BE_CHANGED.split_whitespace().collect();
    let rooms = [
        (litellm::NAME, litellm::DECIDED.as_slice()),
        (open_webui::NAME, open_webui::DECIDED.as_slice()),
    ];
    let mut unused = may.clone();
    for (name, own) in rooms {
        for variable in service(&stack, name).command.env.keys() {
            let decided = decided(variable, own).is_some();
            let free = may.contains(variable.as_str());
            assert!(
                decided != free,
                "{name}: {variable} is decided: {decided}, free: {free}"
            );
            unused.remove(variable.as_str());
        }
    }
    assert!(unused.is_empty(), "no service has {unused:?}");
}

#[test]
fn what_the_gateway_decides_is_refused_with_the_reason() {
    for (lines, said) in [
        (
            "litellm.environment = { DATABASE_URL = \"postgres://\", KEY = \"sk-beside\" }",
            "the database is the gateway's own",
        ),
        (
            "litellm.environment.PYTHONPATH = \"/x\"",
            "it decides which code Python runs",
        ),
        (
            "open_webui.environment = { WEBUI_SECRET_KEY = \"x\" }",
            "kept with the gateway's secrets",
        ),
        (
            "open_webui.environment = { WEBUI_AUTH_TRUSTED_EMAIL_HEADER = \"X-Email\" }",
            "everybody could sign in with it as whom they like",
        ),
        (
            "litellm.config = \"/x/config.json\"",
            "expected a name that ends in .yaml or .yml",
        ),
        (
            "litellm.environment = { \"A B\" = \"x\" }",
            "begins with no digit",
        ),
        (
            "open_webui.environment = { WEBUI_NAM = \"x\", OAUTH_CLIENT_SECRET = \"sk-beside\" }",
            "did you mean WEBUI_NAME?",
        ),
        (
            "litellm.environment = { KEY = \"secret:a b\" }",
            "cannot name a secret",
        ),
        (
            "[service.mine]\ncommand = [\"/m\"]\nenvironment = { KEY = \"secret:\" }",
            "cannot name a secret",
        ),
    ] {
        let told = refused(lines);
        assert!(told.contains(said), "{lines}: {told}");
        assert!(!told.contains("sk-beside"), "{told}");
    }
}

#[test]
fn a_header_that_nginx_takes_from_strangers_may_sign_people_in() {
    let lines =
        "open_webui.environment = { WEBUI_AUTH_TRUSTED_EMAIL_HEADER = \"x-forwarded-email\" }";
    let _accepted = settings_with("small", lines);
}

#[test]
fn a_variable_that_is_only_the_first_value_of_a_setting_is_told() {
    let warned = |lines: &str| {
        let input = config::Input {
            schema: schema(),
            file: Some(("gateway.toml".into(), lines.to_owned())),
            env: &|_| None,
            flags: &[("profile", "small")],
            machine: None,
        };
        config::load(&input).unwrap().warnings.to_string()
    };
    let told =
        warned("open_webui.environment = { WEB_SEARCH_ENGINE = \"searxng\", WEBUI_NAME = \"x\" }");
    assert!(told.contains("only the first value of a setting"), "{told}");
    assert!(told.contains("WEB_SEARCH_ENGINE"), "{told}");
    assert!(!told.contains("searxng"), "{told}");
    let quiet = warned(
        "open_webui.environment = { WEB_SEARCH_ENGINE = \"x\", ENABLE_PERSISTENT_CONFIG = \"false\" }",
    );
    assert!(!quiet.contains("first value"), "{quiet}");
    assert_eq!(
        warned("open_webui.environment = { https_proxy = \"http://p:1\", AWS_REGION = \"x\" }"),
        ""
    );
}

#[test]
fn a_configuration_of_litellms_own_is_read_where_it_lies_with_ours_over_it() {
    let mut settings = settings_with("small", "litellm.config = \"/their/config.yaml\"");
    let spec_of = |settings: &Settings| service(&planned(settings), litellm::NAME).clone();
    // As long as nobody has read it, LiteLLM is not given it.
    let rendered = spec_of(&settings).command.env["CONFIG_FILE_PATH"]
        .expose()
        .to_owned();
    assert_eq!(rendered, "/gw/run/litellm/config.yaml");
    let mut read = |text: &str, digest: &str| {
        let root = PathBuf::from("/their/config.yaml");
        let files = OwnFiles {
            texts: [(root.clone(), text.to_owned())].into(),
            digests: [("/their/hooks.py".into(), digest.to_owned())].into(),
            root,
        };
        let name = ServiceName::new(litellm::NAME).unwrap();
        settings.files.insert(name, files);
        (planned(&settings), spec_of(&settings))
    };
    let (stack, spec) = read("model_list: []", "1");
    let given = &spec.command.env;
    assert_eq!(given["CONFIG_FILE_PATH"].expose(), "/their/config.yaml");
    let path = given["AI_GATEWAY_LITELLM_OVERLAY"].expose();
    let mut files = stack.files.iter();
    let overlay = files.find(|file| file.path.to_str() == Some(path)).unwrap();
    let overlay: serde_json::Value = serde_json::from_str(&overlay.contents).unwrap();
    assert_eq!(overlay["decided"]["litellm_settings"]["max_budget"], 15.0);
    assert_eq!(overlay["texts"]["/their/config.yaml"], "model_list: []");
    let names = overlay["variables"]["names"].as_array().unwrap();
    for name in ["DATABASE_URL", "LITELLM_SALT_KEY", "PATH"] {
        assert!(names.contains(&name.into()), "{name}");
    }
    // A change of a file is a change of the service.
    for (text, digest) in [("model_list: [1]", "1"), ("model_list: []", "2")] {
        assert_ne!(spec.files, read(text, digest).1.files, "{text} {digest}");
    }
    let mut files = stack.files.iter();
    assert!(!files.any(|file| file.path.starts_with("/their")));
}
