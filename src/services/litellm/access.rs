//! What LiteLLM may touch, and the query engine that it starts.

use supervise::confinement::{Access, Confinement, Ports};

use crate::services::{
    part::Inputs,
    postgres,
    process::{prefix, pythons, temporary},
};

/// Providers are on any machine and port. Its own port is held for it.
pub(super) fn confinement(inputs: &Inputs) -> Confinement {
    let service = super::SERVICE.service_name();
    let (paths, installed) = (inputs.paths, inputs.installed);
    let rendered = paths.rendered(&service);
    let programs = [
        installed.folder(&super::PAYLOAD),
        prefix(&super::engine(installed, inputs.settings)),
        installed.node_bin.clone(),
    ];
    Confinement::To(Access {
        // The query engine makes its sockets among the rendered files (`engine_socket.py`).
        write: [paths.service(&service), rendered.clone()]
            .into_iter()
            .chain(temporary())
            .collect(),
        execute: programs.into_iter().chain(pythons(inputs)).collect(),
        unix_connect: [postgres::socket(paths), rendered].into(),
        tcp_connect: Ports::Any,
        ..Access::default()
    })
}
