//! The diet: what makes LiteLLM and Open WebUI small and quick to start.
//!
//! Nothing of what is installed is changed. `diet.py` is beside the application that uvicorn loads,
//! comes before all its imports, and does the measures that a variable names; each looks first
//! whether what it is for is still as it was when the measure was written. `diet_imports.py` has
//! those that put off imports, `diet_models.py` those of models and routes, `diet_litellm.py` those
//! that are LiteLLM's alone, `diet_open_webui.py` and `diet_indexes.py` those that are Open WebUI's.
//! What was skipped is in `diet-skipped.json` beside them.

mod settings;

use supervise::spec::EnvValue;

use super::process::plain;
use crate::python::contents;

/// The diet's own module.
pub(crate) const DIET: &str = contents!("in_both", "diet.py");

pub(crate) use settings::{DECLARATION, Diet};

/// The measures that are for LiteLLM, as the module is told of them.
pub(super) fn for_litellm(diet: &Diet) -> (String, EnvValue) {
    variable(&[
        (diet.lazy_types, "lazy_types"),
        (diet.lazy_routes, "lazy_routes"),
        (diet.lazy_modules, "lazy_modules"),
        (diet.lazy_tokenizer, "lazy_tokenizer"),
        (diet.lazy_audio, "lazy_audio"),
        (diet.lazy_guardrails, "lazy_guardrails"),
        (diet.shared_lookups, "shared_lookups"),
        (diet.small_stand_ins, "small_stand_ins"),
        (diet.late_gc, "late_gc"),
    ])
}

/// Those for Open WebUI.
pub(super) fn for_open_webui(diet: &Diet) -> (String, EnvValue) {
    variable(&[
        (diet.lazy_routes, "lazy_routes"),
        (diet.lazy_modules, "lazy_modules"),
        (diet.late_gc, "late_gc"),
        (diet.short_changelog, "short_changelog"),
        (diet.lazy_vectors, "lazy_vectors"),
        (diet.few_indexes, "few_indexes"),
    ])
}

fn variable(measures: &[(bool, &str)]) -> (String, EnvValue) {
    let taken: Vec<_> = measures
        .iter()
        .filter_map(|(taken, name)| taken.then_some(*name))
        .collect();
    plain("AI_GATEWAY_DIET", taken.join(" "))
}

/// What has glibc keep little of what was freed.
///
/// It counts on more of what it has seen, and Open WebUI's start frees a block of 13 MB: from then
/// on each of its arenas, 8 for each processor, may keep twice that at its end, where
/// `malloc_trim` does not look. A threshold that is set stays as it is (mallopt(3)).
pub(super) fn allocator(diet: &Diet) -> Vec<(String, EnvValue)> {
    if !diet.return_memory {
        return Vec::new();
    }
    ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"]
        .map(|name| plain(name, 1024 * 1024))
        .into()
}

/// Options for the query engine's Node.js. Only where memory is short: on a larger machine the
/// compiler's second tier is worth what it takes.
pub(super) fn engine_options(diet: &Diet, limit: Option<u64>) -> (String, EnvValue) {
    let small = diet.small_engine && limit.is_some_and(|limit| limit < SHORT);
    plain(
        "QUERY_ENGINE_NODE_OPTIONS",
        if small { SMALL_ENGINE } else { "" },
    )
}

/// A limit of LiteLLM's, in bytes, below which its engine is kept small: profiles tiny and small.
const SHORT: u64 = 1_000_000_000;

/// WebAssembly as the first compiler leaves it, a young generation that does not grow, no threads
/// that collect or compile beside the one that works, and an end to the heap: an engine that
/// reaches it is started again by LiteLLM, while at the service's limit the kernel would end both.
const SMALL_ENGINE: &str = "--liftoff-only --no-wasm-tier-up --max-semi-space-size=1 \
                            --single-threaded --optimize-for-size --max-old-space-size=192";

#[cfg(test)]
mod tests;
