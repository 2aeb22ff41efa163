//! nginx: the one door. Open WebUI at `/`, the API at `/api/litellm/v1/`, `/health` for monitors; on a
//! port of its own LiteLLM's whole API and its admin page.
//!
//! The distribution's program with a configuration, a prefix and temporary folders of our own, so
//! that it runs as any user and touches nothing of the distribution's. It requires nothing, so that
//! whoever comes early gets a page that says so.

mod access;
mod check;
mod configuration;
mod headers;
mod hints;
mod limits;
mod log;
mod set_up;
mod settings;
mod text;

use std::{net::SocketAddr, path::Path, time::Duration};

use supervise::spec::{
    Address, Command, EnvValue, FIRST_LISTENER, HttpTarget, Limits, Listener, Liveness, Probe,
    Reload, ReloadAction, RestartPolicy, ServiceSpec, Startup,
};

use self::configuration::{Config, TEMPORARY, can_be_a_root};
use super::{
    addresses::front_address,
    part::{Inputs, ServicePlan},
    process::{always, environment, plain, signal},
    service::Service,
};
use crate::{
    config::{paths::PathRules, schema::BuiltIn},
    services::{
        diet::Diet,
        litellm::{self, LiteLlm},
        open_webui::{self, OpenWebUi},
    },
    stack::RenderedFile,
};

pub(super) use headers::IDENTITY;
use settings::Front;
pub use settings::PROGRAM;

/// Its name.
pub const NAME: &str = "nginx";

pub(super) static SERVICE: Service = Service {
    built_in: BuiltIn {
        name: NAME,
        title: "nginx",
        switch: None,
        // What it takes before the first connection.
        least_mb: 8,
        workers: None,
        limits: &[],
        leaks: false,
        paths: PathRules {
            unusable: &[('$', "nginx and the shell take what follows for a variable")],
            ..PathRules::NONE
        },
        environment: None,
    },
    declaration: settings::DECLARATION,
    plan: |inputs| Some(plan(inputs)),
    read: |_, _, _| Ok(None),
    database_pools: |_| 0,
    urls: &[],
    dialect: Some(log::priority),
    set_up: set_up::SET_UP,
    checks: &[check::CHECK],
};

/// From QUIT until the last WebSocket is cut.
const SHUTDOWN_SECONDS: u64 = 15;

fn plan(inputs: &Inputs) -> ServicePlan {
    let service = SERVICE.service_name();
    let rendered = inputs.paths.rendered(&service);
    let config = rendered.join("nginx.conf");
    let cwd = inputs.paths.service(&service);
    let limits = inputs.limits(&service);
    let [front, admin] = listeners(inputs);
    let listeners = vec![Listener::Tcp(front), Listener::Tcp(admin)];
    let command = command(inputs, &cwd, &config, listeners.len());
    let probe = Probe::Http(HttpTarget {
        at: Address::Tcp(front_address(&inputs.settings.listen).to_string()),
        path: "/health".to_owned(),
    });
    let contents = configuration(inputs, &limits, &rendered, &cwd).render();
    let spec = ServiceSpec {
        reload: Some(reload(&command)),
        listeners,
        startup: startup(probe.clone()),
        liveness: Some(liveness(probe)),
        // It is the one door and starts within a moment: after a second of service its end is no
        // sign of a next one. The shorter waits make for more of them until it is given up.
        restart: RestartPolicy {
            base: Duration::from_millis(50),
            burst: 14,
            ..always(Duration::from_secs(1))
        },
        stop: vec![signal(3, SHUTDOWN_SECONDS + 5), signal(15, 5)],
        limits,
        confinement: access::confinement(inputs),
        ..ServiceSpec::daemon(service, command)
    };
    ServicePlan {
        spec,
        folders: TEMPORARY.map(|(_, folder)| cwd.join(folder)).to_vec(),
        files: vec![RenderedFile {
            path: config,
            contents,
        }],
        pid_files: Vec::new(),
    }
}

/// The front, and the admin port.
const fn listeners(inputs: &Inputs) -> [SocketAddr; 2] {
    let listen = &inputs.settings.listen;
    [
        SocketAddr::new(listen.address, listen.port),
        SocketAddr::new(listen.admin_address, listen.admin_port),
    ]
}

fn configuration<'a>(
    inputs: &Inputs<'a>,
    limits: &Limits,
    rendered: &Path,
    cwd: &'a Path,
) -> Config<'a> {
    let (settings, workers) = (inputs.settings, workers(limits.cpu_milli));
    let [front, admin] = listeners(inputs);
    Config {
        front,
        admin,
        workers,
        connections: limits::connections(limits.memory_max, workers, inputs.open_files),
        request_seconds: LiteLlm::of(settings).request_seconds,
        trusted: Front::of(settings).trusted_proxies,
        pid: rendered.join("nginx.pid"),
        temporary: cwd,
        litellm: litellm::socket(inputs.paths),
        open_webui: settings
            .has(open_webui::NAME)
            .then(|| open_webui::socket(inputs.paths)),
        signup: OpenWebUi::of(settings).signup,
        static_files: static_files(inputs),
    }
}

/// The folder of Open WebUI's files that nginx serves by itself, or `None` where it serves none of them.
fn static_files<'a>(inputs: &Inputs<'a>) -> Option<&'a Path> {
    let folder = inputs.installed.part(open_webui::FRONTEND);
    folder
        .filter(|_| Diet::of(inputs.settings).static_files)
        .filter(|path| can_be_a_root(path))
}

const fn startup(probe: Probe) -> Startup {
    Startup {
        deadline: Duration::from_secs(30),
        readiness: Some(probe),
        listens: None,
        every: Duration::from_millis(50),
        timeout: Duration::from_secs(5),
        post_start: None,
    }
}

const fn liveness(probe: Probe) -> Liveness {
    Liveness {
        probe,
        every: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        failures: 3,
        restart_after: Some(6),
        hung_after: Some(2),
    }
}

fn command(inputs: &Inputs, cwd: &Path, config: &Path, listeners: usize) -> Command {
    let text = |path: &Path| path.display().to_string();
    let mut env = environment(cwd, &[]);
    env.extend([inherited(listeners)]);
    Command {
        program: inputs.installed.program(&set_up::PROGRAM),
        args: vec![
            "-e".to_owned(),
            // Before the configuration is read: otherwise it tries the distribution's log.
            "stderr".to_owned(),
            "-p".to_owned(),
            text(cwd),
            "-c".to_owned(),
            text(config),
        ],
        env,
        cwd: cwd.to_owned(),
    }
}

/// The variable by which nginx is told which descriptors are listening sockets, meant for its own
/// upgrade while it runs (`ngx_add_inherited_sockets`). It knows them by their addresses.
const INHERITED: &str = "NGINX";

fn inherited(count: usize) -> (String, EnvValue) {
    let numbers = (FIRST_LISTENER..).take(count);
    let list: String = numbers.map(|number| format!("{number};")).collect();
    plain(INHERITED, list)
}

/// One for each whole CPU, and two where there is no limit: it only passes bytes on, and `auto`
/// would start one for each CPU of the host.
fn workers(cpu_milli: Option<u32>) -> u32 {
    cpu_milli.map_or(2, |milli| milli.div_ceil(1000).clamp(1, 8))
}

/// The master reads its configuration again, starts workers with it and has the old ones finish what
/// they have begun: nobody is refused and nobody waits. What does not parse is found before.
fn reload(command: &Command) -> Reload {
    let mut check = command.clone();
    check.args.insert(0, "-t".to_owned());
    // It gets no sockets, and would look for them.
    check.env.remove(INHERITED);
    Reload {
        check: Some(check),
        action: ReloadAction::Signal(nix::libc::SIGHUP),
        timeout: Duration::from_secs(20),
    }
}

#[cfg(test)]
mod tests;
