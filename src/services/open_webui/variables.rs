//! The environment of Open WebUI's process.

use std::{collections::BTreeMap, path::Path};

use supervise::spec::EnvValue;

use super::{ORIGIN, SERVICE, api_base, first_account};
use crate::services::{
    addresses::front_address,
    diet, own_environment,
    part::Inputs,
    postgres::{self, Pools},
    process::{environment, percent, plain, secret},
};
use crate::services::{diet::Diet, open_webui::OpenWebUi};

pub(super) fn all(inputs: &Inputs, home: &Path, data: &Path) -> BTreeMap<String, EnvValue> {
    let (listen, secrets) = (&inputs.settings.listen, inputs.secrets);
    let pool = Pools::plan(inputs.settings, inputs.database_pools).each;
    let bin = inputs.installed.folder(&super::PAYLOAD).join("bin");
    let mut variables = environment(home, &[&bin]);
    variables.extend([
        plain("DATA_DIR", data.display()),
        secret(
            "DATABASE_URL",
            database_url(
                secrets.expose(super::DATABASE_PASSWORD),
                &postgres::socket_folder(inputs.paths),
            ),
        ),
        plain("DATABASE_POOL_SIZE", pool),
        plain("WEBUI_URL", format!("http://{}", front_address(listen))),
        plain("CORS_ALLOW_ORIGIN", ORIGIN),
        secret("WEBUI_SECRET_KEY", secrets.expose(super::SECRET_KEY)),
        diet::for_open_webui(&Diet::of(inputs.settings)),
    ]);
    let settings = &OpenWebUi::of(inputs.settings);
    let account = first_account::variables(settings, inputs.paths);
    variables.extend(account.map(|(name, value)| plain(name, value)));
    variables.extend([plain("ENABLE_SIGNUP", settings.signup)]);
    variables.extend(diet::allocator(&Diet::of(inputs.settings)));
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
                secrets.expose(super::VIRTUAL_KEY),
            ),
        ]);
    }
    let constants = AT_IMPORT.iter().chain(&CONSTANTS);
    variables.extend(constants.map(|(name, value)| plain(name, value)));
    // What the gateway decides is not among them: the configuration was checked for that.
    variables.extend(own_environment::of(inputs, &SERVICE.service_name()));
    variables
}

/// What everybody who imports it says, set-up for its migrations, too.
pub(super) const AT_IMPORT: [(&str, &str); 6] = [
    // Where its own launcher would have been: its static files are looked for beside it.
    ("FROM_INIT_PY", "true"),
    // No look for updates, no installing of what a plug-in asks for, nothing told to anybody.
    ("OFFLINE_MODE", "true"),
    ("ANONYMIZED_TELEMETRY", "false"),
    ("DO_NOT_TRACK", "true"),
    ("SCARF_NO_ANALYTICS", "true"),
    ("HF_HUB_OFFLINE", "1"),
];

/// What is the same for every gateway, once it runs.
const CONSTANTS: [(&str, &str); 18] = [
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
    ("ENABLE_VERSION_UPDATE_CHECK", "false"),
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

/// The database as Open WebUI wants to be told of it.
pub(super) fn database_url(password: &str, socket_folder: &Path) -> String {
    format!(
        "postgresql://open_webui:{}@/open_webui?host={}&port={}",
        percent(password),
        percent(&socket_folder.display().to_string()),
        postgres::PORT,
    )
}
