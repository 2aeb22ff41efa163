//! The tools of set-up as a payload: what every other payload is made with.

use super::model::{MB, Packages, Payload, Runtimes};
use crate::config::settings::Settings;

/// The key that names the Python of the environments.
pub(crate) const PYTHON: &str = "programs.python";
/// The key that names the Node.js that payloads run on.
pub(crate) const NODE: &str = "programs.node";

/// The lock of uv, and of Node.js for a machine that has none.
const LOCK: &str = include_str!("../../locks/tools.txt");

/// The tools: uv, and npm with its Node.js.
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

/// The Python and the Node.js that these settings name.
pub(crate) fn runtimes(settings: &Settings) -> Runtimes {
    Runtimes {
        python: settings.values.path(PYTHON),
        node: settings.values.path(NODE),
    }
}
