//! What nginx may touch.

use std::path::PathBuf;

use supervise::confinement::{Access, Confinement};

use crate::stack::{Inputs, NGINX, name};

/// It passes on to Unix sockets alone, and both of its ports are held for it. `pages`: the folder of files
/// that it serves by itself.
pub(super) fn confinement(inputs: &Inputs, pages: Option<PathBuf>) -> Confinement {
    let service = name(NGINX);
    let paths = inputs.paths;
    let open_webui = inputs.settings.open_webui.enabled;
    Confinement::To(Access {
        read: pages.into_iter().collect(),
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
