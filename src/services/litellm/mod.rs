//! LiteLLM: the API, its budgets, keys and models.
//!
//! It runs under uvicorn, by a launcher of ours (`gateway_server.py`) on a Unix socket that the
//! supervisor holds, and not under its own command line: that one opens a port of its own, and compares the
//! database's schema through Prisma's command line at each start, which takes seconds and wants to download
//! a program. What it does besides (the pool's size in the database's address, the number of workers in the
//! environment) is done here.

mod access;
pub mod after_start;
mod checks;
mod configuration;
mod own_config;
pub(crate) mod python;
mod secrets;
mod set_up;
mod settings;
mod variables;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use supervise::spec::{
    Address, Command, FIRST_LISTENER, HttpTarget, Listener, Probe, ServiceSpec, Startup,
};

use self::after_start::Arguments;
pub(crate) use self::variables::CONSTANTS;
use super::{
    addresses::{admin_address, front_address},
    open_webui::{self, Database},
    part::{Inputs, ServicePlan},
    postgres,
    process::{always, environment, plain, signal},
    service::{NamedUrl, Service},
    uvicorn::{self, KEEP_ALIVE_SECONDS},
};
use crate::{
    config::{
        paths::{PathRules, Paths},
        schema::BuiltIn,
    },
    stack::RenderedFile,
};

pub(crate) use secrets::{DATABASE_PASSWORD, MASTER_KEY, SALT_KEY, UI_PASSWORD};
pub(crate) use set_up::PAYLOAD;
pub use set_up::engine;
#[cfg(test)]
pub(crate) use set_up::{ENGINE, NATIVE_ENGINE, TABLES};
pub use settings::{EngineSource, LiteLlm};

#[cfg(test)]
pub(in crate::services) use settings::DECIDED;
/// Its name.
pub const NAME: &str = "litellm";

pub(super) static SERVICE: Service = Service {
    built_in: BuiltIn {
        name: NAME,
        title: "LiteLLM",
        switch: None,
        // Half of what it was ever seen to need.
        least_mb: 220,
        workers: Some(settings::WORKERS),
        limits: &[],
        leaks: true,
        paths: PathRules {
            unusable: &[(
                '*',
                "Node.js puts the names of a package's files in its place",
            )],
            sockets: &[SOCKET],
            keeps_data: false,
        },
        environment: Some(settings::ENVIRONMENT),
    },
    declaration: settings::DECLARATION,
    plan: |inputs| Some(plan(inputs)),
    read: own_config::read,
    database_pools: |settings| LiteLlm::of(settings).workers,
    urls: &[
        NamedUrl {
            name: API,
            title: "API",
            url: |settings| {
                let front = front_address(&settings.listen);
                Some(format!("http://{front}/api/litellm/v1"))
            },
        },
        NamedUrl {
            name: ADMIN,
            title: "Admin",
            url: |settings| {
                let address = admin_address(&settings.listen);
                Some(format!("http://{address}/ui"))
            },
        },
    ],
    dialect: None,
    set_up: set_up::SET_UP,
    checks: checks::ALL,
};

/// The name of the address that is the base of an OpenAI client.
pub const API: &str = "api";

/// The name of the admin page's address.
pub const ADMIN: &str = "admin";

/// The name of its socket.
const SOCKET: &str = "http.sock";

/// Its socket. Its folder has mode 0700, so only the gateway's own processes reach it.
pub(super) fn socket(paths: &Paths) -> PathBuf {
    paths.rendered(&SERVICE.service_name()).join(SOCKET)
}

/// Who may log in to the admin page.
pub const UI_USER: &str = "admin";

/// From the wish to stop to the end of the last request.
pub const DRAIN_SECONDS: u64 = 30;

/// How long nginx keeps a connection that nobody uses, in seconds: short, because a stop waits for
/// them, and a new one costs a Unix socket little.
pub(super) const IDLE_SECONDS: u16 = 1;

/// After so many seconds without a request a stop knows that nginx has closed its connections.
const IDLE_IN_DRAIN_SECONDS: u16 = 2;
const _: () = assert!(IDLE_SECONDS < IDLE_IN_DRAIN_SECONDS);

fn plan(inputs: &Inputs) -> ServicePlan {
    let service = SERVICE.service_name();
    let rendered = inputs.paths.rendered(&service);
    let own = inputs.settings.files.get(&service);
    // Only a file that was read is one that LiteLLM may be given.
    let config = own.and_then(|_| inputs.settings.values.path(settings::CONFIG));
    let config = config.unwrap_or_else(|| rendered.join("config.yaml"));
    let cwd = inputs.paths.service(&service);
    let socket = socket(inputs.paths);
    let get = |path: &str| {
        Probe::Http(HttpTarget {
            at: Address::Unix(socket.clone()),
            path: path.to_owned(),
        })
    };
    let command = Command {
        program: inputs.installed.folder(&PAYLOAD).join("bin/python"),
        args: arguments(inputs, &rendered),
        env: variables::all(inputs, &cwd, &config),
        cwd: cwd.clone(),
    };
    let spec = ServiceSpec {
        // Its folder has mode 0700: who asks LiteLLM past nginx is us.
        listeners: vec![Listener::Unix(socket.clone())],
        requires: [postgres::SERVICE.service_name()].into(),
        // Its pool connects again by itself.
        startup: Startup {
            // A machine with 1 GB that booted while its host was busy took more than 300 seconds, and to
            // begin anew makes no start quicker.
            deadline: Duration::from_secs(900),
            readiness: Some(get("/health/readiness")),
            listens: None,
            every: Duration::from_millis(100),
            timeout: Duration::from_secs(5),
            post_start: Some(internal(inputs, "ensure-webui-key", &cwd)),
        },
        // It says that the event loop turns, and nothing of the database: a database that is down
        // is no reason to restart LiteLLM.
        liveness: Some(uvicorn::liveness(get("/health/liveliness"))),
        restart: always(Duration::from_secs(120)),
        // It drains by itself (`gateway_drain.py`), and what it has counted is written afterwards.
        stop: vec![signal(15, DRAIN_SECONDS + 30)],
        limits: inputs.limits(&service),
        confinement: access::confinement(inputs),
        ..ServiceSpec::daemon(service, command)
    };
    let budget = inputs.settings.budget.usd;
    let seconds = LiteLlm::of(inputs.settings).request_seconds;
    let mut files = vec![match own {
        Some(own) => RenderedFile {
            path: rendered.join(OVERLAY),
            contents: configuration::overlay((budget, seconds), own),
        },
        None => RenderedFile {
            path: config,
            contents: configuration::render((budget, seconds)),
        },
    }];
    files.extend(uvicorn::modules(&rendered, python::MODULES));
    ServicePlan {
        spec,
        folders: Vec::new(),
        files,
        pid_files: Vec::new(),
    }
}

/// What is put over a configuration of the user's own.
const OVERLAY: &str = "overlay.json";

/// What Python is told to run.
const LAUNCHER: &str = "gateway_server.py";

fn arguments(inputs: &Inputs, rendered: &Path) -> Vec<String> {
    let mut arguments = vec![rendered.join(LAUNCHER).display().to_string()];
    for (option, value) in [
        ("--socket", FIRST_LISTENER.to_string()),
        (
            "--workers",
            LiteLlm::of(inputs.settings).workers.to_string(),
        ),
        ("--keep-alive", KEEP_ALIVE_SECONDS.to_string()),
    ] {
        arguments.extend([option.to_owned(), value]);
    }
    arguments
}

fn internal(inputs: &Inputs, command: &str, cwd: &Path) -> Command {
    let told = Arguments {
        litellm: socket(inputs.paths),
        api_base: open_webui::api_base(&inputs.settings.listen),
        secrets: inputs.paths.secrets(),
        memory: cwd.to_owned(),
        control: inputs.paths.control_socket(),
        demo_model: LiteLlm::of(inputs.settings).demo_model,
        workers: LiteLlm::of(inputs.settings).workers,
        open_webui: inputs.settings.has(open_webui::NAME).then(|| Database {
            psql: postgres::program(inputs.installed, "psql"),
            socket_folder: postgres::socket_folder(inputs.paths),
        }),
    };
    // The home is where this program would look for a gateway; here it is told, and the service's
    // folder may be so deep that no socket fits below it.
    let mut env = environment(Path::new("/"), &[]);
    env.extend(
        told.variables()
            .into_iter()
            .map(|(name, value)| plain(name, value)),
    );
    Command {
        program: inputs.installed.ai_gateway.clone(),
        args: vec!["internal".to_owned(), command.to_owned()],
        env,
        cwd: cwd.to_owned(),
    }
}
