//! The diet: what makes LiteLLM and Open WebUI small and quick to start.
//!
//! Nothing of what is installed is changed. `diet.py` is beside the application that uvicorn loads,
//! comes before all its imports, and does the measures that a variable names; each looks first
//! whether what it is for is still as it was when the measure was written.

use std::path::Path;

use supervise::spec::EnvValue;

use super::{RenderedFile, plain};
use crate::config::settings::Diet;

/// The module, for the folder that uvicorn loads the application from.
pub(super) fn module(folder: &Path) -> RenderedFile {
    RenderedFile {
        path: folder.join("diet.py"),
        contents: include_str!("diet/diet.py").to_owned(),
    }
}

/// What tells the module which measures to take.
pub(super) fn variable(diet: &Diet) -> (String, EnvValue) {
    let measures = [(diet.lazy_types, "lazy_types"), (diet.late_gc, "late_gc")];
    let taken: Vec<_> = measures
        .iter()
        .filter_map(|(taken, name)| taken.then_some(*name))
        .collect();
    plain("AI_GATEWAY_DIET", taken.join(" "))
}

#[cfg(test)]
mod tests;
