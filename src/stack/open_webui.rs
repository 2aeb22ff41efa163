//! Open WebUI: the chat in the browser, on a Unix socket behind nginx.
//!
//! It asks LiteLLM with a virtual key. It copies what the environment says of that connection into
//! its database at its first start and reads it from there ever after, so that an administrator can
//! change settings in the browser; a new key or another port gets into that copy through
//! `internal ensure-webui-key`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use supervise::spec::{
    Address, Command, EnvValue, HttpTarget, Liveness, Probe, ServiceKind, ServiceSpec, Startup,
    StopStep,
};

use super::{
    Inputs, KEEP_ALIVE_SECONDS, OPEN_WEBUI, POSTGRES, Part, admin_address, always, diet,
    environment, front_address, name, percent, plain, pools, postgres, python_files, secret,
};
use crate::{
    config::{
        paths::Paths,
        settings::{Listen, OpenWebUi},
    },
    python,
    secrets::{Kind, SecretStore},
};

/// The only origin that Open WebUI takes. Nobody can be there (RFC 6761): nginx puts it in place
/// of a browser's origin when that is the site itself, under whatever name it is reached.
pub(super) const ORIGIN: &str = "http://open-webui.invalid";

/// What is known of the first account once it was made: a file that `first_account.py` writes.
pub(crate) fn first_account_file(paths: &Paths) -> PathBuf {
    paths.service(&name(OPEN_WEBUI)).join("first-account")
}

/// What the module reads. The password is a file's: an environment can be read in more ways.
pub(crate) fn first_account(settings: &OpenWebUi, paths: &Paths) -> [(&'static str, String); 4] {
    let password = SecretStore::new(paths.secrets()).path(Kind::OpenWebuiAdminPassword);
    [
        ("AI_GATEWAY_FIRST_EMAIL", settings.admin_email.clone()),
        ("AI_GATEWAY_FIRST_NAME", settings.admin_name.clone()),
        (
            "AI_GATEWAY_FIRST_PASSWORD_FILE",
            password.display().to_string(),
        ),
        (
            "AI_GATEWAY_FIRST_ACCOUNT",
            first_account_file(paths).display().to_string(),
        ),
    ]
}

/// Where Open WebUI asks LiteLLM: through nginx, because its clients know no Unix sockets, and on the
/// admin port, which is on this machine. The supervisor keeps that port open while nginx restarts.
pub fn api_base(listen: &Listen) -> String {
    format!("http://{}/v1", admin_address(listen))
}

pub(super) fn plan(inputs: &Inputs) -> Part {
    let service = name(OPEN_WEBUI);
    let socket = inputs.paths.open_webui_socket();
    let data = inputs.paths.state.join("open-webui");
    let cwd = inputs.paths.service(&service);
    let rendered = inputs.paths.rendered(&service);
    let get = |path: &str| {
        Probe::Http(HttpTarget {
            at: Address::Unix(socket.clone()),
            path: path.to_owned(),
        })
    };
    let spec = ServiceSpec {
        command: Command {
            program: inputs.installed.open_webui.join("bin/python"),
            args: arguments(&socket, &rendered),
            env: variables(inputs, &cwd, &data),
            cwd,
        },
        kind: ServiceKind::Daemon,
        files: [].into(),
        listeners: Vec::new(),
        requires: [name(POSTGRES)].into(),
        restart_with_requirements: false,
        startup: Startup {
            // Its migrations run in its start, can take minutes, and must not be cut short.
            deadline: Duration::from_secs(1800),
            readiness: Some(get("/ready")),
            listens: None,
            every: Duration::from_millis(100),
            timeout: Duration::from_secs(5),
            post_start: None,
        },
        liveness: Some(Liveness {
            probe: get("/health"),
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            failures: 3,
            restart_after: Some(12),
            hung_after: Some(2),
        }),
        restart: always(Duration::from_secs(120)),
        success_exit: [].into(),
        reload: None,
        stop: vec![StopStep::Signal {
            signal: 15,
            timeout: Duration::from_secs(20),
        }],
        limits: inputs.limits(&service),
        recycle: inputs.recycle(),
        name: service,
    };
    Part {
        spec,
        // Its socket is open to everybody by its mode: the folder is what keeps others out.
        folders: socket
            .parent()
            .map(Path::to_owned)
            .into_iter()
            .chain([data])
            .collect(),
        files: python_files(&rendered, python::IN_OPEN_WEBUI).collect(),
    }
}

fn arguments(socket: &Path, rendered: &Path) -> Vec<String> {
    let (socket, rendered) = (socket.display().to_string(), rendered.display().to_string());
    [
        "-m",
        "uvicorn",
        "webui_app:app",
        "--app-dir",
        &rendered,
        "--uds",
        &socket,
        // More need Redis and another vector store.
        "--workers",
        "1",
        // Open WebSockets would hold up a stop for ever.
        "--timeout-graceful-shutdown",
        "5",
        "--timeout-keep-alive",
        &KEEP_ALIVE_SECONDS.to_string(),
        // Whoever reaches the socket is nginx: only our own user can.
        "--forwarded-allow-ips",
        "*",
        "--no-access-log",
        "--no-server-header",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn variables(inputs: &Inputs, home: &Path, data: &Path) -> BTreeMap<String, EnvValue> {
    let (listen, secrets) = (&inputs.settings.listen, inputs.secrets);
    let pool = pools::Pools::plan(inputs.settings).open_webui;
    let bin = inputs.installed.open_webui.join("bin");
    let mut variables = environment(home, &[&bin]);
    variables.extend([
        plain("DATA_DIR", data.display()),
        secret("DATABASE_URL", database_url(inputs)),
        plain("DATABASE_POOL_SIZE", pool),
        plain("WEBUI_URL", format!("http://{}", front_address(listen))),
        plain("CORS_ALLOW_ORIGIN", ORIGIN),
        secret("WEBUI_SECRET_KEY", secrets.open_webui_secret_key.expose()),
        diet::for_open_webui(&inputs.settings.diet),
    ]);
    let settings = &inputs.settings.open_webui;
    let account = first_account(settings, inputs.paths);
    variables.extend(account.map(|(name, value)| plain(name, value)));
    variables.extend([plain("ENABLE_SIGNUP", settings.signup)]);
    variables.extend(diet::allocator(&inputs.settings.diet));
    // Every one of its clients is told by itself: OPENAI_API_BASE_URL is for chats alone, and the
    // others would ask OpenAI.
    for client in [
        "",
        "RAG_",
        "AUDIO_STT_",
        "AUDIO_TTS_",
        "IMAGES_",
        "IMAGES_EDIT_",
    ] {
        variables.extend([
            plain(&format!("{client}OPENAI_API_BASE_URL"), api_base(listen)),
            secret(
                &format!("{client}OPENAI_API_KEY"),
                secrets.open_webui_virtual_key.expose(),
            ),
        ]);
    }
    variables.extend(CONSTANTS.iter().map(|(name, value)| plain(name, value)));
    variables
}

/// What is the same for everybody.
const CONSTANTS: [(&str, &str); 24] = [
    // Where its own launcher would have been: its static files are looked for beside it.
    ("FROM_INIT_PY", "true"),
    ("ENV", "prod"),
    ("DATABASE_POOL_MAX_OVERFLOW", "0"),
    ("VECTOR_DB", "chroma"),
    ("ENABLE_OLLAMA_API", "false"),
    // Without one it looks for an Ollama on this machine at each start.
    ("OLLAMA_BASE_URL", "http://127.0.0.1:11434"),
    // No model of its own: embeddings and speech by API.
    ("RAG_EMBEDDING_ENGINE", "openai"),
    ("RAG_EMBEDDING_MODEL", "text-embedding-3-small"),
    ("AUDIO_STT_ENGINE", "openai"),
    ("AUDIO_STT_MODEL", "whisper-1"),
    ("AUDIO_TTS_ENGINE", "openai"),
    ("IMAGE_GENERATION_ENGINE", "openai"),
    // No look for updates, no installing of what a plug-in asks for, nothing told to anybody.
    ("OFFLINE_MODE", "true"),
    ("ENABLE_VERSION_UPDATE_CHECK", "false"),
    ("ANONYMIZED_TELEMETRY", "false"),
    ("DO_NOT_TRACK", "true"),
    ("SCARF_NO_ANALYTICS", "true"),
    ("HF_HUB_OFFLINE", "1"),
    ("USER_AGENT", "Open WebUI"),
    // It gives uvicorn's access log handlers again, for the loggers that are named here: one that
    // says nothing.
    ("AUDIT_UVICORN_LOGGER_NAMES", "uvicorn.asgi"),
    // There need not be an ffmpeg.
    ("PYTHONWARNINGS", "ignore::RuntimeWarning:pydub.utils"),
    ("PYTHONUNBUFFERED", "1"),
    ("NO_COLOR", "1"),
    ("PYTHONSAFEPATH", "1"),
];

fn database_url(inputs: &Inputs) -> String {
    let folder = inputs.paths.postgres_socket_folder();
    format!(
        "postgresql://open_webui:{}@/open_webui?host={}&port={}",
        percent(inputs.secrets.postgres_open_webui_password.expose()),
        percent(&folder.display().to_string()),
        postgres::PORT,
    )
}
