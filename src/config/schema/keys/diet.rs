//! `[diet]`: the measures that keep LiteLLM and Open WebUI small and quick to start.

use super::measure;
use crate::config::schema::Key;

pub(super) const KEYS: &[Key] = &[
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
