//! Open WebUI: the chat in the browser, on a Unix socket behind nginx.
//!
//! It asks LiteLLM with a virtual key. It copies what the environment says of that connection into
//! its database at its first start and reads it from there ever after, so that an administrator can
//! change settings in the browser; a new key or another port gets into that copy through
//! `internal ensure-webui-key`.

mod access;
pub mod accounts;
mod child;
pub(crate) mod connection;
mod database;
pub(crate) mod first_account;
mod own_variables;
pub(crate) mod python;
mod secrets;
mod set_up;
mod settings;
mod variables;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use supervise::spec::{Address, Command, HttpTarget, Probe, ServiceSpec, Startup};

pub use self::{
    connection::ConnectionError,
    database::{Database, PsqlError},
};
use super::{
    addresses::{admin_address, front_address},
    part::{Inputs, ServicePlan},
    postgres,
    process::{always, signal},
    service::{NamedUrl, Service},
    uvicorn::{self, KEEP_ALIVE_SECONDS},
};
pub(crate) use secrets::{ADMIN_PASSWORD, DATABASE_PASSWORD, SECRET_KEY, VIRTUAL_KEY};
#[cfg(test)]
pub(crate) use set_up::TABLES;
pub(crate) use set_up::{FRONTEND, PAYLOAD};
pub use settings::OpenWebUi;

use crate::{
    config::{
        paths::{PathRules, Paths},
        schema::BuiltIn,
        settings::Listen,
    },
    provision::Installation,
};

#[cfg(test)]
pub(in crate::services) use own_variables::DECIDED;
/// Its name.
pub const NAME: &str = "open-webui";

pub(super) static SERVICE: Service = Service {
    built_in: BuiltIn {
        name: NAME,
        title: "Open WebUI",
        switch: Some(settings::SWITCH),
        // Half of what it was ever seen to need.
        least_mb: 190,
        workers: None,
        limits: &[],
        leaks: true,
        paths: PathRules {
            unusable: &[(
                '%',
                "Open WebUI's migrations take what follows for a reference",
            )],
            sockets: &[SOCKET],
            keeps_data: true,
        },
        environment: Some(settings::ENVIRONMENT),
    },
    declaration: settings::DECLARATION,
    plan: |inputs| inputs.settings.has(NAME).then(|| plan(inputs)),
    // One for asynchronous code and one for the rest.
    read: |_, _, _| Ok(None),
    database_pools: |settings| if settings.has(NAME) { 2 } else { 0 },
    urls: &[NamedUrl {
        name: "webui",
        title: "Chat",
        url: |settings| {
            let front = front_address(&settings.listen);
            settings.has(NAME).then(|| format!("http://{front}"))
        },
    }],
    dialect: None,
    set_up: set_up::SET_UP,
    checks: &[],
};

/// The only origin that Open WebUI takes. Nobody can be there (RFC 6761): nginx puts it in place
/// of a browser's origin when that is the site itself, under whatever name it is reached.
pub(super) const ORIGIN: &str = "http://open-webui.invalid";

/// Where Open WebUI asks LiteLLM: through nginx, because its clients know no Unix sockets, and on the
/// admin port, which is on this machine. The supervisor keeps that port open while nginx restarts.
pub fn api_base(listen: &Listen) -> String {
    format!("http://{}/v1", admin_address(listen))
}

/// Where it keeps what is not in the database.
fn data(paths: &Paths) -> PathBuf {
    paths.data(&SERVICE.service_name())
}

/// The name of its socket.
const SOCKET: &str = "http.sock";

/// Its socket.
pub(super) fn socket(paths: &Paths) -> PathBuf {
    paths.rendered(&SERVICE.service_name()).join(SOCKET)
}

/// The Python of its environment.
pub fn python(installed: &Installation) -> PathBuf {
    installed.folder(&PAYLOAD).join("bin/python")
}

fn plan(inputs: &Inputs) -> ServicePlan {
    let service = SERVICE.service_name();
    let socket = socket(inputs.paths);
    let data = data(inputs.paths);
    let cwd = inputs.paths.service(&service);
    let rendered = inputs.paths.rendered(&service);
    let get = |path: &str| {
        Probe::Http(HttpTarget {
            at: Address::Unix(socket.clone()),
            path: path.to_owned(),
        })
    };
    let command = Command {
        program: python(inputs.installed),
        args: arguments(&socket, &rendered),
        env: variables::all(inputs, &cwd, &data),
        cwd,
    };
    let spec = ServiceSpec {
        requires: [postgres::SERVICE.service_name()].into(),
        startup: Startup {
            // Its migrations run in its start, can take minutes, and must not be cut short.
            deadline: Duration::from_secs(1800),
            readiness: Some(get("/ready")),
            listens: None,
            every: Duration::from_millis(100),
            timeout: Duration::from_secs(5),
            post_start: None,
        },
        liveness: Some(uvicorn::liveness(get("/health"))),
        restart: always(Duration::from_secs(120)),
        stop: vec![signal(15, 20)],
        limits: inputs.limits(&service),
        confinement: access::confinement(inputs),
        ..ServiceSpec::daemon(service, command)
    };
    // Its socket is open to everybody by its mode: the folder is what keeps others out.
    let folder = socket.parent().map(Path::to_owned);
    ServicePlan {
        spec,
        folders: folder.into_iter().chain([data]).collect(),
        files: uvicorn::modules(&rendered, python::MODULES),
        pid_files: Vec::new(),
    }
}

fn arguments(socket: &Path, rendered: &Path) -> Vec<String> {
    let (socket, rendered) = (socket.display().to_string(), rendered.display().to_string());
    [
        "-m",
        "uvicorn",
        "webui_app:app",
        "--app-dir",
        &rendered,
        "--uds",
        &socket,
        // More need Redis and another vector store.
        "--workers",
        "1",
        // Open WebSockets would hold up a stop for ever.
        "--timeout-graceful-shutdown",
        "5",
        "--timeout-keep-alive",
        &KEEP_ALIVE_SECONDS.to_string(),
        // Whoever reaches the socket is nginx: only our own user can.
        "--forwarded-allow-ips",
        "*",
        "--no-access-log",
        "--no-server-header",
    ]
    .map(str::to_owned)
    .to_vec()
}
