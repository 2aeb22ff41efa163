//! What PostgreSQL may touch.

use supervise::confinement::{Access, Confinement};

use crate::services::{part::Inputs, process::prefix};

/// Its cluster, the folder of its socket, and the configuration that is rendered for it. It connects to nobody
/// and has no port.
pub(super) fn confinement(inputs: &Inputs) -> Confinement {
    let service = super::SERVICE.service_name();
    let paths = inputs.paths;
    Confinement::To(Access {
        read: [paths.rendered(&service)].into(),
        write: [
            super::data(paths),
            super::socket_folder(paths),
            paths.service(&service),
        ]
        .into(),
        // Its libraries may be beside the folder of its programs.
        execute: [prefix(&inputs.installed.program(&super::set_up::PROGRAM))].into(),
        ..Access::default()
    })
}
