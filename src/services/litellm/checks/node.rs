//! Whether there is a Node.js.

use crate::{
    doctor::{Check, Facts, Group, Verdict, fix::gateway},
    provision::{facts::Node, tools::NODE},
    services::litellm::EngineSource,
};

pub(super) const CHECK: Check = Check {
    id: "node",
    group: Group::Programs,
    title: "Node.js",
    looks: "Where it is, and its version; 18 or newer. Without one, set-up takes one from \
        its tools.",
    why: "The query engine runs on it, by which LiteLLM reaches its database.",
    examine,
};

fn examine(facts: &Facts) -> Verdict {
    let settings = &facts.gateway.settings;
    let named = settings.values.path(NODE).is_some();
    match &facts.gateway.provision.programs.node {
        Some(node) if node.major >= Node::MINIMUM => {
            Verdict::ok(format!("{} ({})", node.major, node.path.display()))
        }
        _ if !named && EngineSource::of(settings) != EngineSource::Wasm => {
            Verdict::ok("only set-up needs it, and takes one from its tools")
        }
        Some(node) if named => Verdict::problem(format!(
            "programs.node names {}, which is version {}",
            node.path.display(),
            node.major
        ))
        .fix(gateway(facts, "config show")),
        None if named => {
            Verdict::problem("programs.node names none").fix(gateway(facts, "config show"))
        }
        Some(node) => Verdict::ok(format!(
            "version {} is too old, so set-up takes one from its tools",
            node.major
        )),
        None => Verdict::ok("none, so set-up takes one from its tools"),
    }
}
