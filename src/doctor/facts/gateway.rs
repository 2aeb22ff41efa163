//! The gateway: its configuration, what set-up has made, and whether it runs.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use nix::unistd::Uid;

use super::{Scope, World};
use crate::{
    causes::chain,
    config::{
        self, Input, Loaded,
        paths::Paths,
        ports::{self, TakenPort},
        schema::Schema,
        settings::Settings,
    },
    control::{
        client::{Client, ClientError},
        types::GatewayStatus,
    },
    disk::{self, Room},
    open_files,
    provision::{self, Environment, SetUpOptions, facts::Survey},
    runtime,
    secrets::{SecretKind, SecretStore},
    trust::{self, Danger, Who},
};

/// What was found of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum Configuration {
    /// The configuration is right.
    Right {
        /// Sentences that somebody should know of it all the same.
        warnings: Vec<String>,
    },
    /// The configuration is wrong, and these sentences say what is wrong with it.
    Wrong(Vec<String>),
}

/// A port that the gateway is to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The key of the configuration that asks for it.
    pub key: String,
    /// The number of the port.
    pub number: u16,
    /// Who else has it, or what else is in the way.
    pub taken: Option<TakenPort>,
}

/// With whom a file or folder may be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody else may read or write it.
    Private,
    /// Not with others; with the group where it is root's, for that is how the gateway reads it.
    RootsGroup,
    /// Others may read and not write.
    NotWritable,
}

/// A file or folder of the gateway's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The place of the file or folder.
    pub path: PathBuf,
    /// The number of the user who owns it.
    pub owner: u32,
    /// The number of the group that it belongs to.
    pub group: u32,
    /// The permission bits.
    pub mode: u32,
    /// Whether it is a folder.
    pub folder: bool,
    /// With whom it may be shared.
    pub sharing: Sharing,
}

/// What set-up has made and what it would still do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provision {
    /// Why the gateway cannot run yet.
    pub missing: Option<String>,
    /// How many bytes set-up would take on the disk, or the reason why that cannot be told.
    pub needed: Result<u64, String>,
    /// How many bytes the disk of the state has left.
    pub free: Option<u64>,
    /// The programs that set-up would run.
    pub programs: Survey,
}

/// Whether the daemon runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Daemon {
    /// It runs, and has told this status.
    Runs(Box<GatewayStatus>),
    /// It does not run.
    Stopped,
    /// It does not tell whether it runs. This is why.
    Silent(String),
}

/// The facts of the gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Gateway {
    /// Whether the configuration is right.
    pub configuration: Configuration,
    /// What holds: the settings, or the defaults where the configuration is wrong.
    pub settings: Settings,
    /// The sum of the services' memory limits, in bytes.
    pub memory: u64,
    /// Variables of ours that nobody knows, with the name that was probably meant.
    pub unknown: BTreeMap<String, Option<String>>,
    /// Programs that the configuration names and that are none, by what names them.
    pub not_programs: BTreeMap<String, PathBuf>,
    /// The ports that it listens on, or would listen on.
    pub ports: Vec<Port>,
    /// What others could change on the way to the gateway's files.
    pub dangers: Vec<Danger>,
    /// Its files and folders that are there.
    pub entries: Vec<Entry>,
    /// Secrets that are missing, once there is a database or another secret.
    pub secrets_missing: Vec<SecretKind>,
    /// Secrets that are not those that the database was set up with.
    pub secrets_changed: Vec<SecretKind>,
    /// Secrets with nothing in them.
    pub secrets_empty: Vec<SecretKind>,
    /// Whether there is a database.
    pub database: bool,
    /// The room that is left on each disk that it writes to.
    pub disks: Vec<Room>,
    /// How many files a process of it may have open, or `None` where the kernel does not tell.
    pub open_files: Option<u64>,
    /// What set-up has made, and what it would still do.
    pub provision: Provision,
    /// Whether the daemon runs.
    pub daemon: Daemon,
}

impl Gateway {
    pub(super) fn gather(world: &World<'_>, scope: &Scope) -> Self {
        let paths = &scope.paths;
        let env = |name: &str| world.variables.get(name).cloned();
        let machine = config::machine::facts(world.root);
        let read = config::read_with(scope.schema, paths, &env, &[], machine);
        let (configuration, loaded) = match read {
            Ok(loaded) => {
                let warnings = loaded.warnings.titles().map(str::to_owned).collect();
                (Configuration::Right { warnings }, Ok(loaded))
            }
            Err(config::LoadError::Wrong(report)) => {
                let titles = report.titles().map(str::to_owned).collect();
                (Configuration::Wrong(titles), Err(()))
            }
            Err(error) => (Configuration::Wrong(vec![error.to_string()]), Err(())),
        };
        let loaded = loaded.unwrap_or_else(|()| defaults(scope.schema));
        let daemon = daemon(paths);
        let provision = provision(world, scope, &loaded.settings);
        let store = SecretStore::new(paths.secrets());
        let kinds = scope.catalog.secrets();
        let there = |kind: &SecretKind| store.path(*kind).exists();
        let data = scope.catalog.cluster().map(|cluster| (cluster.data)(paths));
        let major = scope.catalog.cluster().map(|cluster| cluster.major);
        let made = |data: &PathBuf| major.is_some_and(|major| major(data).is_some());
        let database = data.as_ref().is_some_and(made);
        let begun = database || kinds.iter().any(there);
        let limits = loaded.settings.limits.values();
        Self {
            configuration,
            memory: limits.filter_map(|limits| limits.memory_max).sum(),
            unknown: unknown_variables(scope.schema, world),
            not_programs: not_programs(scope.schema, &loaded.settings),
            ports: wanted_ports(&loaded, paths, &daemon),
            dangers: dangers(scope),
            disks: disk::look(paths),
            open_files: open_files::of_gateway(&paths.state),
            entries: entries(scope, &store, data, loaded.settings.has_environment()),
            secrets_missing: kinds
                .iter()
                .copied()
                .filter(|kind| begun && !there(kind))
                .collect(),
            secrets_empty: kinds
                .iter()
                .copied()
                .filter(|kind| there(kind) && !store.holds(*kind).unwrap_or(true))
                .collect(),
            secrets_changed: provision::check_secrets(scope.catalog, paths)
                .map_or_else(|error| error.changed, |()| Vec::new()),
            database,
            provision,
            settings: loaded.settings,
            daemon,
        }
    }
}

/// What holds where nobody has said anything.
fn defaults(schema: &'static Schema) -> Loaded {
    config::load(&Input {
        schema,
        file: None,
        env: &|_| None,
        flags: &[],
        machine: None,
    })
    .expect("a test loads the settings that nobody has changed")
}

fn daemon(paths: &Paths) -> Daemon {
    match Client::connect(&paths.control_socket()).and_then(|mut client| client.status()) {
        Ok(status) => Daemon::Runs(Box::new(status)),
        Err(ClientError::NotRunning { .. }) => Daemon::Stopped,
        Err(error) => Daemon::Silent(error.to_string()),
    }
}

fn wanted_ports(loaded: &Loaded, paths: &Paths, daemon: &Daemon) -> Vec<Port> {
    let mut taken = match daemon {
        // Its services have them.
        Daemon::Runs(_) | Daemon::Silent(_) => Vec::new(),
        Daemon::Stopped => ports::in_use(loaded),
    };
    if !taken.is_empty() {
        let ours = runtime::processes(&paths.state);
        taken.retain(|port| !port.is_held_by_one_of(&ours));
    }
    let ports = ports::wanted(&loaded.settings).into_iter();
    let ports = ports.map(|(key, address)| {
        let of_it = |taken: &&TakenPort| taken.key == key && taken.address == address;
        Port {
            number: address.port(),
            taken: taken.iter().find(of_it).cloned(),
            key,
        }
    });
    ports.collect()
}

fn unknown_variables(schema: &Schema, world: &World<'_>) -> BTreeMap<String, Option<String>> {
    let mut known: Vec<String> = schema
        .keys
        .iter()
        .filter_map(config::schema::Key::variable)
        .collect();
    known.push("AI_GATEWAY_HOME".into());
    let ours = world
        .variables
        .keys()
        .filter(|name| name.starts_with("AI_GATEWAY_"));
    ours.filter(|name| !known.contains(name))
        .map(|name| {
            let near = config::report::nearest(name, known.iter().map(String::as_str));
            (name.clone(), near.map(str::to_owned))
        })
        .collect()
}

fn not_programs(schema: &Schema, settings: &Settings) -> BTreeMap<String, PathBuf> {
    let named = schema.programs(&settings.values).into_iter();
    let mut named: Vec<_> = named
        .map(|(key, path)| (key.to_owned(), Some(path)))
        .collect();
    for service in &settings.custom {
        let key = format!("service.{}.command", service.name);
        named.push((key, service.command.first().map(PathBuf::from)));
    }
    named
        .into_iter()
        .filter_map(|(key, path)| Some((key, path?)))
        .filter(|(_, path)| !provision::environment::is_program(path))
        .collect()
}

fn dangers(scope: &Scope) -> Vec<Danger> {
    let Some(uid) = scope.uid else {
        return Vec::new();
    };
    let data = scope.paths.data_folders(&scope.schema.built_in);
    let paths = scope.paths.trusted(data);
    trust::dangers(
        paths.iter().map(PathBuf::as_path),
        Who::of(Uid::from_raw(uid)),
    )
}

fn entries(
    scope: &Scope,
    store: &SecretStore,
    database: Option<PathBuf>,
    keys: bool,
) -> Vec<Entry> {
    let paths = &scope.paths;
    let config = if keys {
        Sharing::RootsGroup
    } else {
        Sharing::NotWritable
    };
    let secrets = scope.catalog.secrets().iter();
    let secrets = secrets.map(|kind| store.path(*kind));
    let private = database.into_iter().chain(secrets);
    let private = private.map(|path| (path, Sharing::Private));
    let folders = [
        (paths.state.clone(), Sharing::NotWritable),
        (paths.secrets(), Sharing::Private),
        (paths.payloads(), Sharing::NotWritable),
        (paths.run.clone(), Sharing::NotWritable),
        (paths.config.clone(), config),
    ];
    let all = folders.into_iter().chain(private);
    all.filter_map(|(path, sharing)| entry(&path, sharing))
        .collect()
}

fn entry(path: &Path, sharing: Sharing) -> Option<Entry> {
    let found = fs::metadata(path).ok()?;
    Some(Entry {
        path: path.to_owned(),
        owner: found.uid(),
        group: found.gid(),
        mode: found.permissions().mode() & 0o7777,
        folder: found.is_dir(),
        sharing,
    })
}

fn provision(world: &World<'_>, scope: &Scope, settings: &Settings) -> Provision {
    let paths = &scope.paths;
    let options = SetUpOptions {
        environment: Environment::new(world.variables.clone()),
        ..SetUpOptions::default()
    };
    let wanted = scope.catalog.wanted(settings);
    let missing = provision::installed(scope.catalog, paths, settings)
        .err()
        .map(|error| error.what);
    match Survey::gather(paths, &options, &wanted) {
        Ok(programs) => Provision {
            missing,
            needed: Ok(provision::plan(paths, &programs, &wanted).needed),
            free: Some(programs.disk_free),
            programs,
        },
        Err(error) => Provision {
            missing,
            needed: Err(chain(&error)),
            free: None,
            programs: Survey::of_programs(&wanted, paths, &options.environment),
        },
    }
}
