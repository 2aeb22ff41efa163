//! Valkey, as somebody would add it: this folder is all of it, and one line in a list. It is here so that a
//! change that makes a second place necessary fails a test.

mod check;
pub(super) mod set_up;
mod settings;

use std::time::Duration;

use supervise::{
    confinement::{Access, Confinement},
    spec::{Command, Liveness, Probe, ServiceName, ServiceSpec, Startup},
};

use sys::journal::Priority;

use crate::{
    config::{paths::PathRules, schema::BuiltIn},
    secrets::SecretKind,
    services::{
        part::{Inputs, ServicePlan},
        process::{always, environment, signal},
        service::Service,
    },
    stack::RenderedFile,
};

pub(super) static SERVICE: Service = Service {
    built_in: BuiltIn {
        name: "valkey",
        title: "Valkey",
        switch: Some(settings::SWITCH),
        least_mb: 8,
        workers: None,
        limits: &[
            ("tiny", "memory_max = \"16 MB\""),
            ("small", "memory_max = \"64 MB\"\ncpu_weight = 150"),
        ],
        leaks: false,
        paths: PathRules::NONE,
        environment: None,
    },
    declaration: settings::DECLARATION,
    plan: |inputs| settings::is_on(inputs.settings).then(|| plan(inputs)),
    read: |_, _, _| Ok(None),
    database_pools: |_| 0,
    urls: &[],
    dialect: Some(|line| line.contains(" # ").then_some(Priority::Warning)),
    set_up: set_up::SET_UP,
    checks: &[check::CHECK],
};

/// Whoever reaches the socket has to know it.
pub(super) const PASSWORD: SecretKind = SecretKind {
    file_name: "valkey-password",
    prefix: "",
    random_bytes: 32,
    lost: "nothing is lost: whoever uses it is given the new one",
    compared: false,
    encrypts: false,
    made_at_start: true,
};

fn plan(inputs: &Inputs) -> ServicePlan {
    let name: ServiceName = SERVICE.service_name();
    let (cwd, rendered) = (inputs.paths.service(&name), inputs.paths.rendered(&name));
    let (config, socket) = (rendered.join("valkey.conf"), cwd.join("valkey.sock"));
    let program = inputs.installed.program(&set_up::PROGRAM);
    let limits = inputs.limits(&name);
    // A quarter is left for what is no data.
    let bytes = limits.memory_max.map_or(0, |bytes| bytes / 4 * 3);
    let contents = format!(
        "port 0\nunixsocket {}\nmaxmemory {bytes}\nmaxmemory-policy allkeys-lru\nsave \"\"\nrequirepass {}\n",
        socket.display(),
        inputs.secrets.expose(PASSWORD)
    );
    let command = |program, args: Vec<String>| Command {
        program,
        args,
        env: environment(&cwd, &[]),
        cwd: cwd.clone(),
    };
    let ping = Probe::Exec(command(
        program.with_file_name("valkey-cli"),
        vec!["-s".into(), socket.display().to_string(), "ping".into()],
    ));
    let spec = ServiceSpec {
        startup: Startup {
            deadline: Duration::from_secs(30),
            readiness: Some(ping.clone()),
            listens: None,
            every: Duration::from_millis(250),
            timeout: Duration::from_secs(2),
            post_start: None,
        },
        liveness: Some(liveness(ping)),
        restart: always(Duration::from_secs(60)),
        stop: vec![signal(15, 10)],
        limits,
        confinement: Confinement::To(Access {
            read: [rendered].into(),
            write: [cwd.clone()].into(),
            execute: [program.clone()].into(),
            ..Access::default()
        }),
        ..ServiceSpec::daemon(
            name,
            command(program.clone(), vec![config.display().to_string()]),
        )
    };
    ServicePlan {
        spec,
        folders: Vec::new(),
        files: vec![RenderedFile {
            path: config,
            contents,
        }],
        pid_files: Vec::new(),
    }
}

const fn liveness(probe: Probe) -> Liveness {
    Liveness {
        probe,
        every: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        failures: 3,
        restart_after: None,
        hung_after: None,
    }
}
