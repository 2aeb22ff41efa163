//! The tools of set-up: installed by venv and pip, which every Python brings.

use std::path::Path;

use super::python::{EXPECTED_PTH, check_pth, write_lock};
use crate::provision::{
    command::{Call, joined},
    contents,
    error::SetupError,
    execution::Execution,
    payload_folder,
    tools::TOOLS,
};

/// The tools' environment: pip is what there is before there is uv.
pub(crate) fn build(execution: &mut Execution<'_>, folder: &Path) -> Result<(), SetupError> {
    payload_folder::begin(folder)?;
    let python = execution.python_for_tools()?;
    let venv = Call::new("making the tools' environment", python)
        .args(["-I", "-m", "venv"])
        .arg(folder);
    execution.run(&venv)?;
    let lock = write_lock(folder, TOOLS)?;
    let mut install = Call::new("installing the tools", folder.join("bin/python"))
        .known_as("pip")
        .args([
            "-I",
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "--no-deps",
        ])
        .args([
            "--only-binary",
            ":all:",
            "--no-input",
            "--disable-pip-version-check",
        ])
        .args(["--progress-bar", "off", "--requirement"])
        .arg(lock);
    if let Some(offline) = &execution.options.offline {
        install = install
            .arg("--no-index")
            .arg(joined("--find-links=", &offline.join("wheels")));
    }
    execution.run_with_size(&install)?;
    check_pth(folder, &EXPECTED_PTH)?;
    payload_folder::finish(folder, &contents::verify(TOOLS, folder)?)
}
