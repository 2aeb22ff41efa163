//! What Open WebUI may touch.

use supervise::confinement::{Access, Confinement, Ports};

use crate::{
    secrets::SecretStore,
    services::{
        part::Inputs,
        postgres,
        process::{pythons, temporary},
    },
};

/// It asks LiteLLM by TCP, and whatever people connect it to: a search, another provider of models.
pub(super) fn confinement(inputs: &Inputs) -> Confinement {
    let service = super::SERVICE.service_name();
    let paths = inputs.paths;
    let password = SecretStore::new(paths.secrets()).path(super::ADMIN_PASSWORD);
    let socket = super::socket(paths);
    let written = [super::data(paths), paths.service(&service)];
    Confinement::To(Access {
        read: [paths.rendered(&service), password].into(),
        // It binds its socket by itself.
        write: written
            .into_iter()
            .chain(socket.parent().map(Into::into))
            .chain(temporary())
            .collect(),
        execute: [inputs.installed.folder(&super::PAYLOAD)]
            .into_iter()
            .chain(pythons(inputs))
            .collect(),
        unix_connect: [postgres::socket(paths)].into(),
        tcp_connect: Ports::Any,
        ..Access::default()
    })
}
