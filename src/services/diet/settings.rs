//! `[diet]`: the measures that keep LiteLLM and Open WebUI small and quick to start.

use crate::config::{
    ValueKind,
    schema::{
        Declaration, Default, Key,
        keys::{key, short},
    },
    settings::Settings,
};

pub(crate) const DECLARATION: Declaration = Declaration {
    keys: KEYS,
    tables: &[(
        "diet",
        "What makes the services small and quick to start, without changing what they do. Nobody \
             needs to set any of it; each can be switched off by itself to see whether a fault comes \
             from it.",
    )],
    removed: &[
        (
            "diet.lazy_models",
            "it changed what plugins see of Pydantic's models",
        ),
        (
            "diet.quick_attributes",
            "it saved too little for what it depended on",
        ),
        (
            "diet.copied_pieces",
            "it saved too little for what it depended on",
        ),
        (
            "diet.few_writes",
            "it saved too little for what it depended on",
        ),
        (
            "diet.short_queries",
            "it saved nothing that could be told from noise",
        ),
        ("diet.lazy_openai", "the first chat imports what it put off"),
        (
            "diet.failed_imports",
            "it saved nothing that could be told from noise",
        ),
    ],
    check: None,
    programs: None,
};

/// A measure, which is taken unless somebody says otherwise.
const fn measure(variable: &'static str, name: &'static str, doc: &'static str) -> Key {
    short(
        variable,
        key(name, ValueKind::Bool, Default::Value("true"), "true", doc),
    )
}

const KEYS: &[Key] = &[
    measure(
        "lazy-types",
        "diet.lazy_types",
        "LiteLLM's database client loads its 10 MB of types when something asks for them, which nothing does but a type checker.",
    ),
    measure(
        "lazy-routes",
        "diet.lazy_routes",
        "FastAPI compiles what checks a route's parameters and answers at the route's first request, where LiteLLM has some 1700 of them.",
    ),
    measure(
        "lazy-modules",
        "diet.lazy_modules",
        "LiteLLM and Open WebUI import what their start has no use for (clients of clouds and of tools, a formatter, a command line) when something asks for it.",
    ),
    measure(
        "lazy-tokenizer",
        "diet.lazy_tokenizer",
        "LiteLLM reads Anthropic's vocabulary, 26 MB of it, when it first counts tokens by it.",
    ),
    measure(
        "lazy-audio",
        "diet.lazy_audio",
        "LiteLLM imports soundfile and NumPy when it first looks into an audio file.",
    ),
    measure(
        "lazy-guardrails",
        "diet.lazy_guardrails",
        "LiteLLM loads all kinds of guardrails when there is one, instead of at each start.",
    ),
    measure(
        "shared-lookups",
        "diet.shared_lookups",
        "Requests that miss the same key or team in LiteLLM's cache at the same time wait for the first to fetch it, instead of all asking the database.",
    ),
    measure(
        "small-stand-ins",
        "diet.small_stand_ins",
        "What stands for a Pydantic model's validator until the model is first used is small, where LiteLLM has 4300 of them.",
    ),
    measure(
        "late-gc",
        "diet.late_gc",
        "Python's cyclic garbage collector looks at each object once while LiteLLM and Open WebUI start, and leaves alone what was there by then.",
    ),
    measure(
        "short-changelog",
        "diet.short_changelog",
        "Open WebUI reads the five versions of its changelog that it shows when somebody asks for them, instead of all 1.5 MB at each start.",
    ),
    measure(
        "lazy-vectors",
        "diet.lazy_vectors",
        "Open WebUI loads Chroma, its store of documents' vectors, when the first document is added or searched.",
    ),
    measure(
        "few-indexes",
        "diet.few_indexes",
        "Chroma keeps the indexes of 8 documents in memory, and reads the others when they are searched, instead of keeping 64 and more.",
    ),
    measure(
        "return-memory",
        "diet.return_memory",
        "What Open WebUI has freed goes back to the kernel when it is a megabyte or more, instead of being kept for later.",
    ),
    measure(
        "bytecode",
        "diet.bytecode",
        "Set-up compiles what LiteLLM's start imports, instead of its first start.",
    ),
    measure(
        "static-files",
        "diet.static_files",
        "nginx serves the files of Open WebUI's page that never change, instead of asking Open WebUI for them.",
    ),
    measure(
        "small-engine",
        "diet.small_engine",
        "Where LiteLLM may use less than 1 GB, its query engine of kind \"wasm\" is run by Node.js with what keeps it small.",
    ),
];

/// What makes the services small and quick to start; each measure can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Diet {
    /// The types of LiteLLM's database client are loaded when something asks for them.
    pub(crate) lazy_types: bool,
    /// FastAPI compiles what checks a route's parameters at its first request.
    pub(crate) lazy_routes: bool,
    /// What a start imports and does not use is imported when it is used.
    pub(crate) lazy_modules: bool,
    /// LiteLLM reads Anthropic's vocabulary when it counts by it.
    pub(crate) lazy_tokenizer: bool,
    /// LiteLLM imports what reads audio files when there is one.
    pub(crate) lazy_audio: bool,
    /// LiteLLM loads its kinds of guardrails when there is one.
    pub(crate) lazy_guardrails: bool,
    /// Requests that miss the same thing in LiteLLM's cache wait for the first to fetch it.
    pub(crate) shared_lookups: bool,
    /// What stands for a model's validator until its first use is small.
    pub(crate) small_stand_ins: bool,
    /// Python's cyclic garbage collector begins when a service has started.
    pub(crate) late_gc: bool,
    /// Open WebUI reads the newest versions of its changelog, when somebody asks for it.
    pub(crate) short_changelog: bool,
    /// Open WebUI loads its store of vectors at the first document.
    pub(crate) lazy_vectors: bool,
    /// Chroma keeps few indexes of documents in memory.
    pub(crate) few_indexes: bool,
    /// glibc keeps no more than a megabyte for later in Open WebUI.
    pub(crate) return_memory: bool,
    /// Set-up compiles what LiteLLM's start imports.
    pub(crate) bytecode: bool,
    /// nginx serves the files of Open WebUI's page.
    pub(crate) static_files: bool,
    /// The query engine of kind "wasm" keeps less memory.
    pub(crate) small_engine: bool,
}

impl Diet {
    /// Of these settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        let taken = |name: &str| settings.values.flag(&format!("diet.{name}"));
        Self {
            lazy_types: taken("lazy_types"),
            lazy_routes: taken("lazy_routes"),
            lazy_modules: taken("lazy_modules"),
            lazy_tokenizer: taken("lazy_tokenizer"),
            lazy_audio: taken("lazy_audio"),
            lazy_guardrails: taken("lazy_guardrails"),
            shared_lookups: taken("shared_lookups"),
            small_stand_ins: taken("small_stand_ins"),
            late_gc: taken("late_gc"),
            short_changelog: taken("short_changelog"),
            lazy_vectors: taken("lazy_vectors"),
            few_indexes: taken("few_indexes"),
            return_memory: taken("return_memory"),
            bytecode: taken("bytecode"),
            static_files: taken("static_files"),
            small_engine: taken("small_engine"),
        }
    }
}
