//! What set-up will do: facts of the machine in, ordered steps out.
//!
//! Pure. Everything that can be known beforehand to stand in the way is found here, all at once,
//! so that nothing is begun that cannot be finished.

mod problem;

use std::{fmt, path::PathBuf};

use super::{
    embedded,
    facts::{Facts, Node, Postgres, Python},
};
use crate::{
    config::{paths::Paths, settings::Settings},
    secrets::Kind,
    services::{Programs, litellm::EngineSource, open_webui},
};

pub use problem::Problem;

const MB: u64 = 1_000_000;
/// What is kept free beside the steps themselves: logs, write-ahead log, the next start.
const SPARE: u64 = 200 * MB;
/// A new cluster with both databases migrated.
const DATABASE: u64 = 120 * MB;

/// Something with a version that is made once and switched to as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payload {
    /// uv and npm with its Node.js.
    Tools,
    /// Our query engine, which also generates LiteLLM's database client.
    Engine,
    /// A native query engine that was downloaded.
    NativeEngine,
    /// LiteLLM's environment.
    Litellm,
    /// Open WebUI's environment.
    OpenWebui,
}

impl Payload {
    /// What it is, with the version that its folder is named after.
    fn with_version(self, folder: &str) -> String {
        let version = folder
            .rsplit_once('-')
            .map_or(folder, |(version, _)| version);
        let what = match self {
            // The version is uv's.
            Self::Tools => return "the tools uv and Node.js".to_owned(),
            Self::Engine => "the query engine",
            Self::NativeEngine => "the native query engine",
            Self::Litellm => "LiteLLM",
            Self::OpenWebui => "Open WebUI",
        };
        format!("{what} {version}")
    }

    /// The name of its folder among the payloads.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Engine => "engine",
            Self::NativeEngine => "native-engine",
            Self::Litellm => "litellm",
            Self::OpenWebui => "open-webui",
        }
    }

    /// What it takes on the disk, as measured with the locks of this version.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Tools => 270 * MB,
            Self::Engine => 20 * MB,
            Self::NativeEngine => 20 * MB,
            Self::Litellm => 600 * MB,
            Self::OpenWebui => 800 * MB,
        }
    }

    /// Every one, in the order in which they are made.
    pub const ALL: [Self; 5] = [
        Self::Tools,
        Self::Engine,
        Self::NativeEngine,
        Self::Litellm,
        Self::OpenWebui,
    ];
}

/// The folder of each payload that these settings want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    tools: String,
    engine: String,
    native_engine: Option<String>,
    litellm: String,
    open_webui: Option<String>,
}

impl Wanted {
    /// From what is embedded and what is configured.
    pub fn new(settings: &Settings) -> Self {
        fn version<'a>(lock: &'a str, package: &str) -> &'a str {
            embedded::pinned(lock, package).expect("a test finds the version of every lock")
        }
        let of_lock = |lock: &str, package: &str| {
            let hash = embedded::sha256(&[lock.as_bytes()]);
            embedded::folder(version(lock, package), &hash)
        };
        let engine_hash = embedded::engine_hash();
        // The generated database client is a part of LiteLLM's environment, so whatever
        // generates it counts as well.
        let litellm =
            embedded::sha256(&[embedded::LITELLM_LOCK.as_bytes(), engine_hash.as_bytes()]);
        let native_engine = match &EngineSource::of(settings) {
            EngineSource::Download { sha256, .. } => Some(embedded::folder("sha256", sha256)),
            EngineSource::Wasm | EngineSource::Program(_) => None,
        };
        Self {
            tools: of_lock(embedded::TOOLS_LOCK, "uv"),
            engine: embedded::folder(embedded::ENGINE_VERSION, &engine_hash),
            native_engine,
            litellm: embedded::folder(version(embedded::LITELLM_LOCK, "litellm"), &litellm),
            open_webui: settings
                .has(open_webui::NAME)
                .then(|| of_lock(embedded::OPEN_WEBUI_LOCK, "open-webui")),
        }
    }

    /// The folder's name, or none where the settings want no such payload.
    pub fn folder(&self, payload: Payload) -> Option<&str> {
        match payload {
            Payload::Tools => Some(&self.tools),
            Payload::Engine => Some(&self.engine),
            Payload::NativeEngine => self.native_engine.as_deref(),
            Payload::Litellm => Some(&self.litellm),
            Payload::OpenWebui => self.open_webui.as_deref(),
        }
    }
}

/// Which programs the steps use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The Python of the environments.
    pub python: Option<PathBuf>,
    /// The machine's own Node.js, or none: the tools'.
    pub node: Option<PathBuf>,
    /// The folder of PostgreSQL's programs.
    pub postgres_bin: Option<PathBuf>,
    /// nginx.
    pub nginx: Option<PathBuf>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the secrets that are missing.
    Secrets(Vec<Kind>),
    /// Make a payload's folder.
    Build(Payload, String),
    /// Let `current` point at a payload's folder.
    Switch(Payload, String),
    /// Make the database cluster.
    Cluster,
    /// Make roles and databases.
    Roles,
    /// Bring LiteLLM's tables up to date.
    LitellmMigrations,
    /// Let Open WebUI bring its tables up to date.
    OpenWebuiMigrations,
}

/// What will be done, and what stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// With any of these nothing is begun.
    pub problems: Vec<Problem>,
    /// With these programs.
    pub choice: Choice,
    /// The most that the steps take on the disk, in bytes.
    pub needed: u64,
    state: PathBuf,
}

/// Decides what to do.
pub fn plan(settings: &Settings, paths: &Paths, facts: &Facts, wanted: &Wanted) -> Plan {
    let (mut problems, choice) = choose(settings, paths, facts);
    let steps = steps(facts, wanted);
    if let EngineSource::Program(engine) = &EngineSource::of(settings)
        && !facts.engine_is_program
    {
        problems.push(Problem::NoEngine(engine.clone()));
    }
    if needs_ensurepip(&steps)
        && let Some(python) = facts.usable_python()
        && !python.ensurepip
    {
        problems.push(Problem::NoVenv {
            python: python.path.clone(),
            minor: python.version.1,
        });
    }
    if let Some(pid) = facts.server
        && steps.iter().any(Step::is_of_database)
    {
        problems.push(Problem::ServerRunning {
            data: paths.postgres_data(),
            pid,
        });
    }
    if let Some(how) = wrong_salt_key(facts) {
        let path = paths.secrets().join(Kind::LitellmSaltKey.file_name());
        problems.push(Problem::SaltKey { path, how });
    }
    if let Some((folder, missing)) = &facts.offline_lacks {
        problems.push(Problem::Offline {
            folder: folder.clone(),
            missing,
        });
    }
    let parts_of = disk_parts(&steps);
    let needed = parts_of.iter().map(|(_, bytes)| bytes).sum();
    if needed > facts.disk_free {
        problems.push(Problem::Disk {
            state: paths.state.clone(),
            free: facts.disk_free,
            needed,
            parts_of,
        });
    }
    Plan {
        steps,
        problems,
        choice,
        needed,
        state: paths.state.clone(),
    }
}

/// How the salt key stands to the one that the database was set up with, if that is a problem.
fn wrong_salt_key(facts: &Facts) -> Option<&'static str> {
    let salt_key = Kind::LitellmSaltKey;
    if facts.cluster.is_none() || facts.salt_key_accepted {
        None
    } else if facts.secrets_missing.contains(&salt_key) {
        Some("missing or empty, and it was")
    } else {
        facts.secrets_changed.contains(&salt_key).then_some("not")
    }
}

fn choose(settings: &Settings, paths: &Paths, facts: &Facts) -> (Vec<Problem>, Choice) {
    let mut problems = Vec::new();
    let python = facts.usable_python();
    if python.is_none() {
        problems.push(Problem::NoPython(facts.pythons.clone()));
    }
    let node = facts
        .node
        .as_ref()
        .filter(|node| node.major >= Node::MINIMUM);
    if let Some(named) = &Programs::of(settings).node
        && node.is_none()
    {
        problems.push(Problem::BadNode(named.clone()));
    }
    let postgres = facts.postgres_for_cluster();
    match (postgres, facts.cluster_major) {
        (None, Some(cluster)) => problems.push(Problem::ClusterVersion {
            data: paths.postgres_data(),
            cluster,
        }),
        (None, None) => problems.push(Problem::NoPostgres),
        (Some(_), _) => {}
    }
    if facts.nginx.is_none() {
        problems.push(Problem::NoNginx);
    }
    let choice = Choice {
        python: python.map(|p| p.path.clone()),
        node: node.map(|n| n.path.clone()),
        postgres_bin: postgres.map(|p: &Postgres| p.bin.clone()),
        nginx: facts.nginx.clone(),
    };
    (problems, choice)
}

fn needs_ensurepip(steps: &[Step]) -> bool {
    steps
        .iter()
        .any(|s| matches!(s, Step::Build(Payload::Tools, _)))
}

fn steps(facts: &Facts, wanted: &Wanted) -> Vec<Step> {
    let mut steps = Vec::new();
    if !facts.secrets_missing.is_empty() {
        steps.push(Step::Secrets(facts.secrets_missing.clone()));
    }
    for payload in Payload::ALL {
        let Some(folder) = wanted.folder(payload) else {
            continue;
        };
        if !facts.complete.contains(&(payload, folder.to_owned())) {
            steps.push(Step::Build(payload, folder.to_owned()));
        }
        if facts.current.get(&payload).map(String::as_str) != Some(folder) {
            steps.push(Step::Switch(payload, folder.to_owned()));
        }
    }
    if facts.cluster.is_none() {
        steps.push(Step::Cluster);
    }
    let record = facts.record.clone().about(facts.cluster);
    let fresh = facts.cluster.is_none();
    if fresh || facts.roles.is_none() || record.roles != facts.roles {
        steps.push(Step::Roles);
    }
    if fresh || record.litellm_migrations.as_deref() != wanted.folder(Payload::Litellm) {
        steps.push(Step::LitellmMigrations);
    }
    if let Some(folder) = wanted.folder(Payload::OpenWebui)
        && (fresh || record.open_webui_migrations.as_deref() != Some(folder))
    {
        steps.push(Step::OpenWebuiMigrations);
    }
    steps
}

fn disk_parts(steps: &[Step]) -> Vec<(String, u64)> {
    let mut parts: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Build(payload, _) => Some((payload.name().to_owned(), payload.bytes())),
            Step::Cluster => Some(("database".to_owned(), DATABASE)),
            Step::Secrets(_)
            | Step::Switch(..)
            | Step::Roles
            | Step::LitellmMigrations
            | Step::OpenWebuiMigrations => None,
        })
        .collect();
    if !parts.is_empty() {
        parts.push(("spare".to_owned(), SPARE));
    }
    parts
}

impl Step {
    /// Whether it needs the cluster for itself.
    pub const fn is_of_database(&self) -> bool {
        match self {
            Self::Cluster | Self::Roles | Self::LitellmMigrations | Self::OpenWebuiMigrations => {
                true
            }
            Self::Secrets(_) | Self::Build(..) | Self::Switch(..) => false,
        }
    }

    /// For a progress bar.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Secrets(_) => "Secrets",
            Self::Build(Payload::Tools, _) => "Tools (uv, Node.js)",
            Self::Build(Payload::Engine, _) => "Query engine",
            Self::Build(Payload::NativeEngine, _) => "Native query engine",
            Self::Build(Payload::Litellm, _) => "LiteLLM",
            Self::Build(Payload::OpenWebui, _) => "Open WebUI",
            Self::Switch(..) => "Switch",
            Self::Cluster => "Database cluster",
            Self::Roles => "Roles and databases",
            Self::LitellmMigrations => "LiteLLM's tables",
            Self::OpenWebuiMigrations => "Open WebUI's tables",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secrets(kinds) => {
                let s = if kinds.len() == 1 { "" } else { "s" };
                write!(f, "make {} key{s} and password{s}", kinds.len())
            }
            Self::Build(payload, folder) => write!(
                f,
                "install {} (about {} MB)",
                payload.with_version(folder),
                payload.bytes() / MB
            ),
            Self::Switch(payload, folder) => {
                write!(f, "use {} from then on", payload.with_version(folder))
            }
            Self::Cluster => f.write_str("make the database cluster"),
            Self::Roles => f.write_str("make the roles and databases litellm and open_webui"),
            Self::LitellmMigrations => f.write_str("bring LiteLLM's tables up to date"),
            Self::OpenWebuiMigrations => f.write_str(
                "let Open WebUI bring its tables up to date and make its administrator's account",
            ),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            writeln!(f, "Nothing to do in {}.", self.state.display())?;
        } else {
            writeln!(f, "To do in {}:", self.state.display())?;
        }
        for (i, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:3}. {step}", i + 1)?;
        }
        if self.needed > 0 {
            writeln!(f, "At most {} MB of disk are needed.", self.needed / MB)?;
        }
        let programs = [
            ("Python", &self.choice.python),
            ("Node.js", &self.choice.node),
            ("PostgreSQL", &self.choice.postgres_bin),
            ("nginx", &self.choice.nginx),
        ];
        for (name, program) in programs {
            match program {
                Some(path) => writeln!(f, "{name}: {}", path.display())?,
                None if name == "Node.js" => writeln!(f, "{name}: from the tools")?,
                None => {}
            }
        }
        for problem in &self.problems {
            writeln!(f, "Blocking problem: {problem}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
