//! What set-up finds on the machine. Looking only: nothing here changes anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    Options, answer,
    contents::Damage,
    environment::{Environment, is_program},
    error::SetupError,
    plan::{Payload, Wanted},
    record::Record,
    steps::{database, payload},
};
use crate::{
    config::{
        paths::Paths,
        settings::{EngineSource, Settings},
    },
    fs::regular,
    python::INTERPRETER,
    secrets::{Kind, SecretStore},
};

/// A Python that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// The interpreter itself, not a shim in front of it.
    pub path: PathBuf,
    /// Its version.
    pub version: (u32, u32, u32),
    /// Whether it can put pip into an environment.
    pub ensurepip: bool,
}

/// A Node.js that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The program.
    pub path: PathBuf,
    /// Its major version.
    pub major: u32,
}

impl Node {
    /// The oldest that the engine runs on.
    pub const MINIMUM: u32 = 18;
}

/// PostgreSQL's programs, as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// Their folder.
    pub bin: PathBuf,
    /// Their major version.
    pub major: u32,
}

impl Postgres {
    /// The oldest that the migrations run on.
    pub const MINIMUM: u32 = 13;
}

/// The machine, as far as set-up asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// In the order in which they are preferred.
    pub pythons: Vec<Python>,
    /// Node.js, of any version.
    pub node: Option<Node>,
    /// Newest first; only the named one where one is named.
    pub postgres: Vec<Postgres>,
    /// nginx.
    pub nginx: Option<PathBuf>,
    /// Whether the engine that the settings name can be executed.
    pub engine_is_program: bool,
    /// What the state folder's disk has left, in bytes.
    pub disk_free: u64,
    /// Payload folders that were finished.
    pub complete: BTreeSet<(Payload, String)>,
    /// What is wrong with those that were finished once.
    pub damaged: Vec<Damage>,
    /// What each `current` points at.
    pub current: BTreeMap<Payload, String>,
    /// The cluster's system identifier, where there is one.
    pub cluster: Option<u64>,
    /// The major version that made it.
    pub cluster_major: Option<u32>,
    /// The process of a database server that uses it.
    pub server: Option<i32>,
    /// Secrets that are not there.
    pub secrets_missing: Vec<Kind>,
    /// Secrets that are not those that the database was set up with.
    pub secrets_changed: Vec<Kind>,
    /// Whether another salt key is taken, and what the old one has encrypted given up.
    pub salt_key_accepted: bool,
    /// The hash of the roles as the secrets want them; none without the secrets.
    pub roles: Option<String>,
    /// What earlier set-ups did.
    pub record: Record,
    /// The offline folder, if a part of it is missing, and which.
    pub offline_lacks: Option<(PathBuf, &'static str)>,
}

impl Facts {
    /// The Python that the environments will have.
    pub fn usable_python(&self) -> Option<&Python> {
        let usable = |p: &&Python| {
            (3, 11) <= (p.version.0, p.version.1) && (p.version.0, p.version.1) < (3, 13)
        };
        let mut all = self.pythons.iter().filter(usable);
        let first = all.clone().next();
        all.find(|p| p.ensurepip).or(first)
    }

    /// The programs that fit the cluster; the newest where there is none.
    pub fn postgres_for_cluster(&self) -> Option<&Postgres> {
        self.postgres.iter().find(|p| {
            p.major >= Postgres::MINIMUM && self.cluster_major.is_none_or(|major| major == p.major)
        })
    }

    /// Looks.
    ///
    /// # Errors
    /// Something of our own cannot be read.
    pub fn gather(
        settings: &Settings,
        paths: &Paths,
        options: &Options,
        wanted: &Wanted,
    ) -> Result<Self, SetupError> {
        let store = SecretStore::new(paths.secrets());
        let data = paths.postgres_data();
        let secrets_missing: Vec<_> = Kind::ALL
            .into_iter()
            .filter(|kind| !store.holds(*kind).unwrap_or(true))
            .collect();
        let roles = if secrets_missing.is_empty() {
            Some(database::roles_hash(&store)?)
        } else {
            None
        };
        let record = Record::read(&paths.state)?;
        let cluster = database::identifier(&data)?;
        let known = record.clone().about(cluster).secrets;
        let secrets_changed = known.map_or_else(Vec::new, |known| known.changed(&store));
        let payload::Survey {
            complete,
            damaged,
            current,
        } = payload::survey(paths, wanted);
        Ok(Self {
            disk_free: disk_free(&paths.state)?,
            complete,
            damaged,
            current,
            cluster,
            cluster_major: read_number(&data.join("PG_VERSION")),
            server: database::running_server(&data),
            secrets_missing,
            secrets_changed,
            salt_key_accepted: options.accept_salt_key,
            roles,
            record,
            offline_lacks: options.offline.as_deref().and_then(offline_lacks),
            ..Self::of_programs(settings, paths, &options.environment)
        })
    }

    /// Looks for the programs of the distribution alone, which fails on no machine.
    pub fn of_programs(settings: &Settings, paths: &Paths, environment: &Environment) -> Self {
        let look = Look {
            environment,
            patience: PATIENCE,
            children: environment.for_looking(&paths.state),
        };
        let programs = &settings.programs;
        Self {
            pythons: look.pythons(programs.python.as_deref()),
            node: look.node(programs.node.as_deref()),
            postgres: look.postgres(programs.postgres_bin.as_deref()),
            nginx: look.named_or_found(programs.nginx.as_deref(), "nginx"),
            engine_is_program: match &settings.engine {
                EngineSource::Program(path) => is_program(path),
                EngineSource::Wasm | EngineSource::Download { .. } => true,
            },
            ..Self::default()
        }
    }
}

/// For what a program says of itself: a Python that nobody has read from a busy disk takes seconds.
const PATIENCE: Duration = Duration::from_secs(20);

struct Look<'a> {
    environment: &'a Environment,
    patience: Duration,
    children: BTreeMap<String, String>,
}

impl Look<'_> {
    /// What a program prints; nothing where it cannot be asked.
    fn ask<S: AsRef<OsStr>>(&self, program: &Path, args: &[S]) -> Option<String> {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir("/")
            .env_clear()
            .envs(&self.children)
            .stderr(Stdio::null());
        let answer = answer::within(self.patience, &mut command);
        answer.said().map(str::to_owned)
    }

    fn named_or_found(&self, named: Option<&Path>, program: &str) -> Option<PathBuf> {
        match named {
            Some(path) => is_program(path).then(|| path.to_owned()),
            None => self.environment.find(program),
        }
    }

    fn pythons(&self, named: Option<&Path>) -> Vec<Python> {
        let candidates: Vec<_> = match named {
            Some(path) => vec![path.to_owned()],
            None => ["python3.11", "python3.12", "python3"]
                .into_iter()
                .flat_map(|name| self.environment.all(name))
                .collect(),
        };
        let mut found: Vec<Python> = Vec::new();
        for path in candidates {
            if let Some(python) = self.python(&path)
                && !found.iter().any(|known| known.path == python.path)
            {
                found.push(python);
            }
        }
        found
    }

    /// Asked of the interpreter itself: a shim's name says nothing about what is behind it.
    fn python(&self, path: &Path) -> Option<Python> {
        let text = self.ask(path, &["-I", "-c", INTERPRETER])?;
        let (numbers, executable) = text.split_once('\n')?;
        let numbers: Vec<u32> = numbers.split(' ').map_while(|n| n.parse().ok()).collect();
        let [major, minor, patch, ensurepip] = numbers[..] else {
            return None;
        };
        Some(Python {
            path: PathBuf::from(executable.trim()),
            version: (major, minor, patch),
            ensurepip: ensurepip == 1,
        })
    }

    fn node(&self, named: Option<&Path>) -> Option<Node> {
        let path = self.named_or_found(named, "node")?;
        let version = self.ask(&path, &["--version"])?;
        let major = version.strip_prefix('v')?.split('.').next()?.parse().ok()?;
        // The program itself, and not a version manager's shim, which needs its owner's home.
        let itself = self.ask(&path, &["-p", "process.execPath"]);
        let itself = itself.map(PathBuf::from).filter(|found| is_program(found));
        let path = itself.unwrap_or(path);
        Some(Node { path, major })
    }

    fn postgres(&self, named: Option<&Path>) -> Vec<Postgres> {
        let candidates: Vec<_> = match named {
            Some(folder) => vec![folder.to_owned()],
            None => {
                let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
                let debian = debian.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
                let on_path = self.environment.all("postgres").into_iter();
                let on_path =
                    on_path.filter_map(|p| Some(p.canonicalize().ok()?.parent()?.to_owned()));
                debian.chain(on_path).collect()
            }
        };
        let mut found: Vec<_> = candidates
            .into_iter()
            .filter_map(|bin| self.postgres_in(bin))
            .collect();
        found.sort_by_key(|p| std::cmp::Reverse(p.major));
        found.dedup();
        found
    }

    /// A folder with all that set-up and the daemon run; a client package has only some of it.
    fn postgres_in(&self, bin: PathBuf) -> Option<Postgres> {
        let whole = ["postgres", "initdb", "psql", "pg_isready"];
        if !whole.iter().all(|program| is_program(&bin.join(program))) {
            return None;
        }
        let version = self.ask(&bin.join("postgres"), &["--version"])?;
        let number = version
            .split(' ')
            .find(|w| w.starts_with(|c: char| c.is_ascii_digit()))?;
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        let major = digits.parse().ok()?;
        Some(Postgres { bin, major })
    }
}

fn offline_lacks(folder: &Path) -> Option<(PathBuf, &'static str)> {
    ["wheels", "npm"]
        .into_iter()
        .find(|part| !folder.join(part).is_dir())
        .map(|part| (folder.to_owned(), part))
}

fn disk_free(state: &Path) -> Result<u64, SetupError> {
    let there = state
        .ancestors()
        .find(|p| p.exists())
        .unwrap_or(Path::new("/"));
    let stat = nix::sys::statvfs::statvfs(there)
        .map_err(|e| SetupError::io("look at the free space of", there)(e.into()))?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
}

fn read_number(path: &Path) -> Option<u32> {
    let mut text = String::new();
    regular::open(path)
        .ok()?
        .take(16)
        .read_to_string(&mut text)
        .ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_answer_is_asked_for_a_while_only() {
        let environment = Environment::new([("PATH", "/nowhere")]);
        let look = Look {
            environment: &environment,
            patience: Duration::from_millis(20),
            children: BTreeMap::new(),
        };
        assert_eq!(look.ask(Path::new("/bin/sleep"), &["600"]), None);
        let patient = Look {
            patience: PATIENCE,
            ..look
        };
        let said = patient.ask(Path::new("/bin/echo"), &["15.1"]);
        assert_eq!(said.as_deref(), Some("15.1"));
    }
}
