//! All that `setup --offline` needs, gathered on a machine that has a network.
//!
//! Wheels are for the Python and the processor of this machine: the other one has to be alike.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Context, NotSetUp, Options, SetupError,
    command::Call,
    embedded,
    facts::Facts,
    plan::{Payload, Step, Wanted, plan},
    progress::{Progress, Total},
    record::write_durably,
    scratch::Scratch,
    steps::payload::make_folder,
};
use crate::{
    config::{paths::Paths, settings::Settings},
    services::open_webui,
};

/// Gathers wheels and npm's cache in `folder`, for what this machine was set up with.
///
/// # Errors
/// This machine is not set up, or a registry was not reached.
pub fn bundle(
    settings: &Settings,
    paths: &Paths,
    options: &Options,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<(), SetupError> {
    let (interrupts, _lock) = super::begin(paths)?;
    let wanted = Wanted::new(settings);
    let facts = Facts::gather(settings, paths, options, &wanted)?;
    let plan = plan(settings, paths, &facts, &wanted);
    if !plan.problems.is_empty() {
        return Err(SetupError::NotPossible(plan.problems));
    }
    if plan
        .steps
        .iter()
        .any(|step| matches!(step, Step::Build(..)))
    {
        return Err(NotSetUp {
            what: "the folder for --offline is made from what this machine has".into(),
        }
        .into());
    }
    let temporary = Scratch::make(&paths.state)?;
    let runner = super::runner(paths, options, &temporary, interrupts)?;
    let mut cx = Context {
        settings,
        paths,
        options,
        wanted: &wanted,
        choice: &plan.choice,
        runner,
        progress,
    };
    let scratch = folder.join(".scratch");
    remove(&scratch)?;
    make_folder(&scratch)?;
    let gathered =
        wheels(&mut cx, folder, &scratch).and_then(|()| npm_cache(&mut cx, folder, &scratch));
    remove(&scratch)?;
    gathered
}

fn wheels(cx: &mut Context<'_>, folder: &Path, scratch: &Path) -> Result<(), SetupError> {
    let environment = scratch.join("pip");
    let venv = Call::new("making an environment for pip", cx.python()?)
        .args(["-I", "-m", "venv"])
        .arg(&environment);
    cx.run(&venv)?;
    let mut locks = vec![
        (Payload::Tools, embedded::TOOLS_LOCK),
        (Payload::Litellm, embedded::LITELLM_LOCK),
    ];
    if cx.settings.has(open_webui::NAME) {
        locks.push((Payload::OpenWebui, embedded::OPEN_WEBUI_LOCK));
    }
    for (payload, text) in locks {
        let name = payload.name();
        let lock: PathBuf = scratch.join(name).with_extension("txt");
        write_durably(&lock, text.as_bytes(), 0o600)?;
        let call = Call::new(
            format!("downloading the wheels of {name}"),
            environment.join("bin/python"),
        )
        .known_as("pip")
        .args([
            "-I",
            "-m",
            "pip",
            "download",
            "--require-hashes",
            "--no-deps",
        ])
        .args([
            "--only-binary",
            ":all:",
            "--no-input",
            "--disable-pip-version-check",
        ])
        .args(["--progress-bar", "off", "--dest"])
        .arg(folder.join("wheels"))
        .arg("--requirement")
        .arg(lock);
        cx.progress
            .begin(&format!("Wheels of {name}"), Total::Unknown);
        let done = cx.run_with_size(&call);
        cx.progress.end(done.is_ok());
        done?;
    }
    Ok(())
}

fn npm_cache(cx: &mut Context<'_>, folder: &Path, scratch: &Path) -> Result<(), SetupError> {
    let engine = scratch.join("engine");
    make_folder(&engine)?;
    for file in embedded::ENGINE
        .iter()
        .filter(|file| !file.path.contains('/'))
    {
        write_durably(&engine.join(file.path), file.contents.as_bytes(), 0o600)?;
    }
    let call = cx
        .npm("downloading the query engine's packages")?
        .args([
            "ci",
            "--ignore-scripts",
            "--omit=dev",
            "--no-audit",
            "--no-fund",
            "--cache",
        ])
        .arg(folder.join("npm"))
        .cwd(&engine);
    cx.progress.begin("npm's cache", Total::Unknown);
    let done = cx.run_with_size(&call);
    cx.progress.end(done.is_ok());
    done
}

fn remove(folder: &Path) -> Result<(), SetupError> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(SetupError::io("remove", folder)(e)),
        Ok(()) | Err(_) => Ok(()),
    }
}
