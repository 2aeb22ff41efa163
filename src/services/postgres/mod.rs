//! PostgreSQL: one cluster of our own, on a Unix socket only.
//!
//! Its whole configuration is rendered at each start, so that the cluster's own files hold data and
//! nothing that has to be kept in step.

mod access;
mod check;
mod files;
mod log;
mod memory;
mod pools;
pub mod psql;
pub(crate) mod set_up;
mod settings;
mod socket;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use supervise::spec::{Command, Liveness, Probe, RestartPolicy, ServiceSpec, Startup};

use self::memory::Memory;
pub(super) use self::pools::Pools;
use super::{
    part::{Inputs, ServicePlan},
    process::{always, environment, signal},
    service::Service,
};
use crate::{
    config::{
        paths::{PathRules, Paths},
        schema::BuiltIn,
    },
    provision::Installation,
};

pub use settings::PROGRAMS;
pub use socket::PORT;
pub(crate) use socket::pid_files;

/// Its name.
pub const NAME: &str = "postgres";

pub(super) static SERVICE: Service = Service {
    built_in: BuiltIn {
        name: NAME,
        title: "PostgreSQL",
        switch: None,
        // What it takes before the first connection.
        least_mb: 48,
        workers: None,
        limits: &[],
        leaks: false,
        paths: PathRules {
            unusable: &[(
                ',',
                "PostgreSQL's clients take it for the end of one socket's folder",
            )],
            sockets: &[".s.PGSQL.5432.lock"],
            keeps_data: true,
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

/// One of its programs, where set-up has found them.
pub fn program(installed: &Installation, name: &str) -> PathBuf {
    installed.program(&set_up::PROGRAM).join(name)
}

/// The database cluster.
pub fn data(paths: &Paths) -> PathBuf {
    paths.data(&SERVICE.service_name())
}

/// The folder of its socket.
pub fn socket_folder(paths: &Paths) -> PathBuf {
    paths.rendered(&SERVICE.service_name())
}

/// Where clients find it.
pub(super) fn socket(paths: &Paths) -> PathBuf {
    socket_folder(paths).join(format!(".s.PGSQL.{PORT}"))
}

fn plan(inputs: &Inputs) -> ServicePlan {
    let (service, socket) = (SERVICE.service_name(), socket_folder(inputs.paths));
    let rendered = inputs.paths.rendered(&service);
    let limits = inputs.limits(&service);
    let connections = Pools::plan(inputs.settings, inputs.database_pools).server;
    let memory = Memory::within(limits.memory_max, connections);
    let data = data(inputs.paths);
    let probe = Probe::Postgres {
        socket_dir: socket.clone(),
        port: PORT,
    };
    let spec = ServiceSpec {
        startup: startup(probe.clone()),
        liveness: Some(liveness(probe)),
        // All the others wait for it. The shorter waits make for more of them until it is given up.
        restart: RestartPolicy {
            base: Duration::from_millis(250),
            burst: 12,
            ..always(Duration::from_secs(60))
        },
        stop: vec![
            // INT is the fast shutdown: no new connections, open transactions are rolled back.
            signal(2, 60),
            // QUIT leaves at once, as in a crash, and the next start recovers. Still better than
            // KILL, after which children may live on with the shared memory.
            signal(3, 5),
        ],
        limits,
        confinement: access::confinement(inputs),
        ..ServiceSpec::daemon(
            service,
            command(inputs, &rendered.join(files::CONFIGURATION)),
        )
    };
    ServicePlan {
        spec,
        files: files::all(&socket, &rendered, connections, memory),
        pid_files: pid_files(&data, &socket).into(),
        folders: vec![data],
    }
}

fn command(inputs: &Inputs, config: &Path) -> Command {
    let home = inputs.paths.service(&SERVICE.service_name());
    let data = data(inputs.paths);
    Command {
        program: program(inputs.installed, "postgres"),
        args: vec![
            "-D".to_owned(),
            data.display().to_string(),
            format!("--config_file={}", config.display()),
        ],
        env: environment(&home, &[&inputs.installed.program(&set_up::PROGRAM)]),
        // Its processes go there in any case (`ChangeToDataDir`), each in a session of its own,
        // and without cgroups what is left of a service is found by its folder.
        cwd: data,
    }
}

const fn startup(probe: Probe) -> Startup {
    Startup {
        // Recovery after a crash replays the log: at most `max_wal_size` of it, and a start
        // that is cut short would have to begin again.
        deadline: Duration::from_secs(300),
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
        // A database that is slow to answer is busy; a restart would make everybody wait more.
        restart_after: None,
        // One that hangs does not come back by itself. A minute, since the restart ends every
        // connection; what was committed is kept, whichever signal ends it.
        hung_after: Some(4),
    }
}
