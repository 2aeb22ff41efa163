//! What the services that run under uvicorn have in common.

use std::{path::Path, time::Duration};

use supervise::spec::{Liveness, Probe};

use crate::{
    python::{Module, modules as embedded},
    stack::RenderedFile,
};

/// How long uvicorn keeps a connection that nobody uses, in seconds. Longer than any client of ours
/// does: who closes first may close while a question is on its way, and a question that is not
/// idempotent is not asked again. nginx takes what `UPSTREAM_KEEP_ALIVE_SECONDS` says, aiohttp (in
/// Open WebUI) 15 s, httpx 5 s; uvicorn's own 5 s are less than two of them.
pub(super) const KEEP_ALIVE_SECONDS: u16 = 75;
/// How long nginx keeps a connection to Open WebUI that nobody uses, in seconds.
pub(super) const UPSTREAM_KEEP_ALIVE_SECONDS: u16 = 60;
const _: () = assert!(KEEP_ALIVE_SECONDS > UPSTREAM_KEEP_ALIVE_SECONDS);

/// The modules that run in both.
pub(crate) const IN_BOTH: &[Module] = embedded!("in_both":
    "diet.py"
    "diet_imports.py"
    "diet_models.py"
    "gateway_log.py"
);

/// A Python service's own modules and those that both have, all in the folder that it imports them from.
pub(super) fn modules(rendered: &Path, own: &[Module]) -> Vec<RenderedFile> {
    let modules = IN_BOTH.iter().chain(own);
    modules
        .map(|(name, contents)| RenderedFile {
            path: rendered.join(name),
            contents: (*contents).to_owned(),
        })
        .collect()
}

/// How a service under uvicorn is watched once it is ready.
pub(super) const fn liveness(probe: Probe) -> Liveness {
    Liveness {
        probe,
        every: Duration::from_secs(10),
        timeout: Duration::from_secs(10),
        failures: 3,
        restart_after: Some(12),
        hung_after: Some(2),
    }
}
