//! The tools of set-up as a payload: what every other payload is made with.

use super::model::{MB, Packages, Payload};

/// The lock of uv, and of Node.js for a machine that has none.
const LOCK: &str = include_str!("../../locks/tools.txt");

/// uv, and npm with its Node.js.
pub(crate) const TOOLS: Payload = Payload {
    name: "tools",
    title: "Tools (uv, Node.js)",
    what: "the tools uv and Node.js",
    // The version of its folder is that of uv, which nobody asks for.
    versioned: false,
    bytes: 270 * MB,
    needed: "bin/python",
    packages: Packages::Python {
        lock: LOCK,
        package: "uv",
    },
    runs_in_set_up: true,
};
