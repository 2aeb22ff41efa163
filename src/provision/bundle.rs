//! All that `setup --offline` needs, gathered on a machine that has a network.
//!
//! Wheels are for the Python and the processor of this machine: the other one has to be alike. Where set-up has brought
//! the Python of this machine, the folder has it for the other one, too.

use std::path::{Path, PathBuf};

use super::{
    catalog::Catalog,
    command::Call,
    error::{NotSetUp, SetupError},
    execution::Execution,
    folders::{make_folder, remove, write_durably},
    model::{ChosenPython, EmbeddedFile, Packages, Payload, SetupStep, Survey},
    options::SetUpOptions,
    plan::plan,
    progress::{Progress, Total},
    scratch::Scratch,
    session,
    steps::brought_python,
};
use crate::config::{paths::Paths, settings::Settings};

/// Gathers wheels and npm's cache in `folder`, for what this machine was set up with.
///
/// # Errors
/// This machine is not set up, or a registry was not reached.
pub fn bundle(
    catalog: &Catalog,
    settings: &Settings,
    paths: &Paths,
    options: &SetUpOptions,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<(), SetupError> {
    let (interrupts, _lock) = session::begin(catalog, paths)?;
    let wanted = catalog.wanted(settings);
    let facts = Survey::gather(paths, options, &wanted)?;
    let plan = plan(paths, &facts, &wanted);
    if !plan.problems.is_empty() {
        return Err(SetupError::NotPossible(plan.problems));
    }
    if plan
        .steps
        .iter()
        .any(|step| matches!(step, SetupStep::Build(..)))
    {
        return Err(NotSetUp {
            what: "the folder for --offline is made from what this machine has".into(),
        }
        .into());
    }
    let temporary = Scratch::make(&paths.state)?;
    let runner = session::runner(paths, options, &temporary, interrupts)?;
    let mut execution = Execution {
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
    let gathered = gather(&mut execution, folder, &scratch);
    remove(&scratch)?;
    gathered
}

/// First the wheels of all environments, with a pip of their own, then the Python, and then npm's packages.
fn gather(execution: &mut Execution<'_>, folder: &Path, scratch: &Path) -> Result<(), SetupError> {
    let environment = scratch.join("pip");
    let venv = Call::new("making an environment for pip", execution.python()?)
        .args(["-I", "-m", "venv"])
        .arg(&environment);
    execution.run(&venv)?;
    let wanted = execution
        .wanted
        .payloads
        .iter()
        .map(|(payload, _)| *payload);
    let wanted: Vec<Payload> = wanted.collect();
    for payload in &wanted {
        if let Packages::Python { lock, .. } = payload.packages {
            wheels(execution, folder, scratch, payload.name, lock)?;
        }
    }
    if execution.choice.python == Some(ChosenPython::Brought) {
        execution.progress.begin("Python", Total::Unknown);
        let done = brought_python::bundle(execution, folder, scratch);
        execution.progress.end(done.is_ok());
        done?;
    }
    for payload in &wanted {
        if let Packages::Npm { files, .. } = payload.packages {
            npm_cache(execution, folder, scratch, payload, files)?;
        }
    }
    Ok(())
}

/// Downloads the wheels of one lock.
fn wheels(
    execution: &mut Execution<'_>,
    folder: &Path,
    scratch: &Path,
    name: &str,
    text: &str,
) -> Result<(), SetupError> {
    let lock: PathBuf = scratch.join(name).with_extension("txt");
    write_durably(&lock, text.as_bytes(), 0o600)?;
    let call = Call::new(
        format!("downloading the wheels of {name}"),
        scratch.join("pip/bin/python"),
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
    execution
        .progress
        .begin(&format!("Wheels of {name}"), Total::Unknown);
    let done = execution.run_with_size(&call);
    execution.progress.end(done.is_ok());
    done
}

/// Lets npm fill a cache with what these files ask for.
fn npm_cache(
    execution: &mut Execution<'_>,
    folder: &Path,
    scratch: &Path,
    payload: &Payload,
    files: &[EmbeddedFile],
) -> Result<(), SetupError> {
    let project = scratch.join(payload.name);
    make_folder(&project)?;
    for file in files.iter().filter(|file| !file.path.contains('/')) {
        write_durably(&project.join(file.path), file.contents.as_bytes(), 0o600)?;
    }
    let call = execution
        .npm(&format!("downloading the packages of {}", payload.what))?
        .args([
            "ci",
            "--ignore-scripts",
            "--omit=dev",
            "--no-audit",
            "--no-fund",
            "--cache",
        ])
        .arg(folder.join("npm"))
        .cwd(&project);
    execution.progress.begin("npm's cache", Total::Unknown);
    let done = execution.run_with_size(&call);
    execution.progress.end(done.is_ok());
    done
}
