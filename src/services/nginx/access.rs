//! What nginx may touch.

use supervise::confinement::{Access, Confinement};

use crate::services::{litellm, open_webui, part::Inputs};

/// It passes on to Unix sockets alone, and both of its ports are held for it. None of this depends on what a
/// reload can change: a process keeps for life what it was confined to.
pub(super) fn confinement(inputs: &Inputs) -> Confinement {
    let service = super::SERVICE.service_name();
    let paths = inputs.paths;
    Confinement::To(Access {
        // Open WebUI's page, whichever version and whether or not it is served from there.
        read: [paths.payloads().join(open_webui::PAYLOAD.name)].into(),
        // The file with its number is among the rendered ones.
        write: [paths.service(&service), paths.rendered(&service)].into(),
        execute: [inputs.installed.program(&super::set_up::PROGRAM)].into(),
        unix_connect: [litellm::socket(paths), open_webui::socket(paths)].into(),
        ..Access::default()
    })
}
