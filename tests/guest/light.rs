//! The gateway without its four services: only those that `gateway.toml` describes itself.
//!
//! It is installed in place of the real program where a test is about systemd and the kernel, and
//! every command but `run` is the real one. Nothing has to be set up for it, and it is ready in
//! a second.

use std::{env, error::Error, process::ExitCode};

use ai_gateway::{
    config::{self, paths::Paths},
    control::types::{Refusal, Urls},
    logs::{self, Output},
    provision::Installation,
    publish::Compare,
    runtime::{self, DaemonOptions, Planned},
    secrets::SecretStore,
    services::{self, Secrets},
};
use cgroups_rs::{
    Cgroup, cpu::CpuController, hierarchies, memory::MemController, pid::PidController,
};
use nix::unistd::{Uid, User};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run"] => run(),
        ["witness", group] => witness(group),
        _ => return ai_gateway::cli::main(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(78)
        }
    }
}

/// What somebody else's library reads of a cgroup, by its path below the cgroup file system: that we have
/// written what we believe to have written.
fn witness(group: &str) -> Result<(), Box<dyn Error>> {
    let cgroup = Cgroup::load(hierarchies::auto(), group.trim_start_matches('/'));
    let missing = |controller| format!("no {controller} controller in {group}");
    let memory: &MemController = cgroup.controller_of().ok_or_else(|| missing("memory"))?;
    let cpu: &CpuController = cgroup.controller_of().ok_or_else(|| missing("cpu"))?;
    let pids: &PidController = cgroup.controller_of().ok_or_else(|| missing("pids"))?;
    println!("memory.max {}", memory.memory_stat().limit_in_bytes);
    println!("cpu.max {} {}", cpu.cfs_quota()?, cpu.cfs_period()?);
    println!("cpu.weight {}", cpu.shares()?);
    println!("pids.max {:?}", pids.get_pid_max()?);
    println!("processes {}", cgroup.procs().len());
    Ok(())
}

fn run() -> Result<(), Box<dyn Error>> {
    let user = User::from_uid(Uid::effective())?;
    let system = user.is_some_and(|user| user.name == "ai-gateway");
    let paths = Paths::find(|name| env::var(name).ok(), system)?;
    let planned = plan(&paths)?;
    let stream = env::var("JOURNAL_STREAM").ok();
    let output = Output::find(stream.as_deref(), &paths.logs(), false);
    logs::init(&output)?;
    let again = paths.clone();
    let options = DaemonOptions {
        paths,
        output,
        planned,
        replan: std::sync::Arc::new(move |_| {
            plan(&again).map_err(|error| Refusal::Configuration(error.to_string()))
        }),
    };
    Ok(runtime::run(options)?)
}

fn plan(paths: &Paths) -> Result<Planned, Box<dyn Error>> {
    let loaded = config::read(services::schema(), paths, &|name| env::var(name).ok(), &[])?;
    let store = SecretStore::new(paths.secrets());
    store.make_missing(ai_gateway::services::catalog().secrets(), None)?;
    // None of the gateway's own services: those of the configuration are all that there is.
    let stack = services::plan(
        &[],
        &loaded.settings,
        paths,
        &Installation::default(),
        &Secrets::load(&store)?,
        None,
    );
    Ok(Planned {
        stack,
        profile: loaded.settings.profile,
        urls: Urls::from_iter([
            ("webui", None),
            (
                "api",
                Some("http://127.0.0.1:3000/api/litellm/v1".to_owned()),
            ),
            ("admin", Some("http://127.0.0.1:4000/ui".to_owned())),
        ]),
        compare: Compare::default(),
    })
}
