//! What the services that run under uvicorn have in common.

use std::path::Path;

use super::part::RenderedFile;

/// How long uvicorn keeps a connection that nobody uses, in seconds. Longer than any client of ours
/// does: who closes first may close while a question is on its way, and a question that is not
/// idempotent is not asked again. nginx takes what `UPSTREAM_KEEP_ALIVE_SECONDS` says, aiohttp (in
/// Open WebUI) 15 s, httpx 5 s; uvicorn's own 5 s are less than two of them.
pub(super) const KEEP_ALIVE_SECONDS: u16 = 75;
/// How long nginx keeps a connection to Open WebUI that nobody uses, in seconds.
pub(super) const UPSTREAM_KEEP_ALIVE_SECONDS: u16 = 60;
const _: () = assert!(KEEP_ALIVE_SECONDS > UPSTREAM_KEEP_ALIVE_SECONDS);

/// What has a Python service say how urgent its lines are.
pub(super) fn gateway_log(rendered: &Path) -> RenderedFile {
    RenderedFile {
        path: rendered.join("gateway_log.py"),
        contents: include_str!("../stack/gateway_log.py").to_owned(),
    }
}
