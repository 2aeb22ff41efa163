//! What nginx may touch.

use supervise::confinement::{Access, Confinement};

use crate::{services::open_webui, services::part::Inputs};

/// It passes on to Unix sockets alone, and both of its ports are held for it.
pub(super) fn confinement(inputs: &Inputs) -> Confinement {
    let service = super::SERVICE.service_name();
    let paths = inputs.paths;
    let open_webui = inputs.settings.has(open_webui::NAME);
    Confinement::To(Access {
        read: super::static_files(inputs)
            .into_iter()
            .map(Into::into)
            .collect(),
        // The file with its number is among the rendered ones.
        write: [paths.service(&service), paths.rendered(&service)].into(),
        execute: [inputs.installed.nginx.clone()].into(),
        unix_connect: [paths.litellm_socket()]
            .into_iter()
            .chain(open_webui.then(|| paths.open_webui_socket()))
            .collect(),
        ..Access::default()
    })
}
