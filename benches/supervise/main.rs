//! The daemon with as many services as a benchmark wants, all alike, and nothing else.
//!
//! `supervise HOME COUNT JOURNAL PROGRAM [ARGUMENT…]`: JOURNAL is the path of a journal's socket
//! for the services' lines, or `-` for files. The services get `BENCH_*` of our environment.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ai_gateway::{
    config::paths::Paths,
    control::types::{Refusal, Urls},
    logs::{self, Output},
    publish::Compare,
    runtime::{self, DaemonOptions, Planned},
    stack::{Particulars, Stack},
};
use supervise::spec::{
    Command, EnvValue, RestartMode, RestartPolicy, ServiceName, ServiceSpec, Startup, StopStep,
};

const USAGE: &str = "usage: supervise HOME COUNT JOURNAL|- PROGRAM [ARGUMENT...]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().ok_or(USAGE);
    let (home, count, journal) = (next()?, next()?.parse::<u32>()?, next()?);
    let program = PathBuf::from(next()?);
    let command: (PathBuf, Vec<String>) = (program, arguments.collect());

    let paths = Paths::find(
        |name| (name == "AI_GATEWAY_HOME").then(|| home.clone()),
        false,
    )?;
    let files = Output::Files {
        folder: paths.logs(),
        terminal: false,
    };
    logs::init(&files)?;
    let output = match journal.as_str() {
        "-" => files,
        socket => Output::Journal(socket.into()),
    };
    let services = (1..=count).map(|n| service(&paths, n, &command));
    let planned = planned(services.collect::<Result<_, _>>()?);
    let replan = Arc::new(|_| Err(Refusal::Failed("nothing else to run".to_owned())));
    Ok(runtime::run(DaemonOptions {
        paths,
        output,
        planned,
        replan,
    })?)
}

fn planned(services: Vec<ServiceSpec>) -> Planned {
    Planned {
        stack: Stack {
            services,
            folders: Vec::new(),
            files: Vec::new(),
            particulars: Particulars::default(),
        },
        profile: "local".to_owned(),
        urls: Urls::default(),
        compare: Compare::default(),
    }
}

/// Ready once it was launched, and launched again at once however often it ends.
fn service(
    paths: &Paths,
    number: u32,
    (program, args): &(PathBuf, Vec<String>),
) -> Result<ServiceSpec, Box<dyn Error>> {
    let name = ServiceName::new(&format!("s{number}"))?;
    let command = Command {
        program: program.clone(),
        args: args.clone(),
        env: environment(),
        cwd: folder(&paths.state, &name),
    };
    Ok(ServiceSpec {
        startup: Startup {
            deadline: Duration::from_secs(60),
            readiness: None,
            listens: None,
            every: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            post_start: None,
        },
        restart: RestartPolicy {
            mode: RestartMode::Always,
            base: Duration::ZERO,
            cap: Duration::ZERO,
            burst: u32::MAX,
            stable: Duration::from_secs(60),
        },
        stop: vec![StopStep::Signal {
            signal: nix::libc::SIGTERM,
            timeout: Duration::from_secs(60),
        }],
        ..ServiceSpec::daemon(name, command)
    })
}

fn folder(state: &Path, name: &ServiceName) -> PathBuf {
    state.join("services").join(name.as_str())
}

fn environment() -> BTreeMap<String, EnvValue> {
    let ours = env::vars().filter(|(name, _)| name.starts_with("BENCH_"));
    ours.map(|(name, value)| (name, EnvValue::Plain(value)))
        .collect()
}
