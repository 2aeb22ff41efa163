//! The tools of set-up as a payload: what every other payload is made with.

use super::{
    embedded,
    model::{MB, Packages, Payload},
};

/// uv, and npm with its Node.js.
pub(crate) const TOOLS: Payload = Payload {
    name: "tools",
    title: "Tools (uv, Node.js)",
    what: "the tools uv and Node.js",
    // It is uv's.
    versioned: false,
    bytes: 270 * MB,
    needed: "bin/python",
    packages: Packages::Python {
        lock: embedded::TOOLS_LOCK,
        package: "uv",
    },
    runs_in_set_up: true,
};
