//! What the gateway is to be: the end of configuration, the beginning of everything else.
//!
//! Plain data that was checked; whoever holds it need not check again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use supervise::spec::{Limits, Listener, RestartMode, ServiceName};

/// All settings, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The resource profile's name.
    pub profile: String,
    /// What may be spent.
    pub budget: Budget,
    /// Where people reach the gateway.
    pub listen: Listen,
    /// LiteLLM.
    pub litellm: LiteLlm,
    /// Open WebUI.
    pub open_webui: OpenWebUi,
    /// nginx, as far as it is about whom to believe.
    pub front: Front,
    /// PostgreSQL.
    pub postgres: Postgres,
    /// LiteLLM's query engine.
    pub engine: EngineSource,
    /// Programs of the distribution, where they are not to be looked for.
    pub programs: Programs,
    /// What makes the services small.
    pub diet: Diet,
    /// What becomes of services that leak.
    pub recycle: Recycle,
    /// The limits of every service, the profile's and the file's together.
    pub limits: BTreeMap<ServiceName, Limits>,
    /// Services of the user's own.
    pub custom: Vec<CustomService>,
}

/// What may be spent in 30 days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// In US dollars, a cent or more.
    pub usd: f64,
}

/// Where people reach the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address of `port`.
    pub address: IpAddr,
    /// Open WebUI and the API, through nginx.
    pub port: u16,
    /// The address of `admin_port`.
    pub admin_address: IpAddr,
    /// LiteLLM's own API and its admin page, through nginx.
    pub admin_port: u16,
}

/// LiteLLM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteLlm {
    /// Worker processes, at least 1.
    pub workers: u32,
    /// Whether a model that needs no provider is there until a real one is.
    pub demo_model: bool,
}

/// Open WebUI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenWebUi {
    /// Whether it is a part of the stack.
    pub enabled: bool,
    /// Whether people may make accounts of their own.
    pub signup: bool,
    /// The address of the first account, in lower case.
    pub admin_email: String,
    /// The name of the first account.
    pub admin_name: String,
}

/// nginx, as far as it is about whom to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front {
    /// Whose forwarded headers count.
    pub trusted_proxies: Vec<Network>,
}

/// A network, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Its first address, or one in it.
    pub address: IpAddr,
    /// How many bits of it count.
    pub prefix: u8,
}

impl Network {
    const fn bits(address: IpAddr) -> u8 {
        match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if self.prefix == Self::bits(self.address) {
            return Ok(());
        }
        write!(f, "/{}", self.prefix)
    }
}

/// A text that is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let most = Self::bits(address);
        let prefix = match prefix {
            // No sign and no blank: nginx reads it as well.
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| NoNetwork)?
            }
            Some(_) => return Err(NoNetwork),
            None => most,
        };
        (prefix <= most)
            .then_some(Self { address, prefix })
            .ok_or(NoNetwork)
    }
}

impl Settings {
    /// Whether a service of one's own has an environment, in which there may be keys.
    pub fn has_environment(&self) -> bool {
        self.custom.iter().any(|own| !own.environment.is_empty())
    }
}

/// PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// The most connections, or as many as the services' pools need.
    pub max_connections: Option<u32>,
}

/// Where LiteLLM's query engine comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineSource {
    /// Our own server around the official wasm build.
    Wasm,
    /// A native engine that is there.
    Program(PathBuf),
    /// A native engine to download.
    Download {
        /// From where.
        url: String,
        /// In lower-case hexadecimal.
        sha256: String,
    },
}

/// Programs that are looked for unless they are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Programs {
    /// The folder of PostgreSQL's programs.
    pub postgres_bin: Option<PathBuf>,
    /// nginx.
    pub nginx: Option<PathBuf>,
    /// The Python of the environments.
    pub python: Option<PathBuf>,
    /// Node.js.
    pub node: Option<PathBuf>,
}

/// What makes the services small and quick to start; each measure can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diet {
    /// The types of LiteLLM's database client are loaded when something asks for them.
    pub lazy_types: bool,
    /// FastAPI compiles what checks a route's parameters at its first request.
    pub lazy_routes: bool,
    /// What a start imports and does not use is imported when it is used.
    pub lazy_modules: bool,
    /// LiteLLM reads Anthropic's vocabulary when it counts by it.
    pub lazy_tokenizer: bool,
    /// LiteLLM imports what reads audio files when there is one.
    pub lazy_audio: bool,
    /// LiteLLM loads its kinds of guardrails when there is one.
    pub lazy_guardrails: bool,
    /// Requests that miss the same thing in LiteLLM's cache wait for the first to fetch it.
    pub shared_lookups: bool,
    /// What stands for a model's validator until its first use is small.
    pub small_stand_ins: bool,
    /// Python's cyclic garbage collector begins when a service has started.
    pub late_gc: bool,
    /// Open WebUI reads the newest versions of its changelog, when somebody asks for it.
    pub short_changelog: bool,
    /// Open WebUI loads its store of vectors at the first document.
    pub lazy_vectors: bool,
    /// Chroma keeps few indexes of documents in memory.
    pub few_indexes: bool,
    /// glibc keeps no more than a megabyte for later in Open WebUI.
    pub return_memory: bool,
    /// Set-up compiles what LiteLLM's start imports.
    pub bytecode: bool,
    /// nginx serves the files of Open WebUI's page.
    pub static_files: bool,
    /// The query engine of kind "wasm" keeps less memory.
    pub small_engine: bool,
}

impl Diet {
    /// All of it.
    pub const WHOLE: Self = Self {
        lazy_types: true,
        lazy_routes: true,
        lazy_modules: true,
        lazy_tokenizer: true,
        lazy_audio: true,
        lazy_guardrails: true,
        shared_lookups: true,
        small_stand_ins: true,
        late_gc: true,
        short_changelog: true,
        lazy_vectors: true,
        few_indexes: true,
        return_memory: true,
        bytecode: true,
        static_files: true,
        small_engine: true,
    };
}

/// What becomes of services that leak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recycle {
    /// Whether they are restarted by plan.
    pub enabled: bool,
    /// The minute of the day, local time, at which that disturbs least; none: only when idle.
    pub hour: Option<u16>,
    /// From one look at a service's memory to the next.
    pub every: Duration,
    /// A service that was ready for less than this is left alone.
    pub youngest: Duration,
}

/// A service of the user's own, as `[service.NAME]` says it.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomService {
    /// Its name.
    pub name: ServiceName,
    /// What it is.
    pub kind: CustomKind,
    /// The program, an absolute path, and its arguments; empty if somebody else runs it.
    pub command: Vec<String>,
    /// Its environment besides PATH, HOME and LANG.
    pub environment: BTreeMap<String, String>,
    /// A file with more of it, which may be keys.
    pub environment_file: Option<PathBuf>,
    /// Where it listens, on sockets that are held for it.
    pub listen: Vec<Listener>,
    /// What must be ready before it.
    pub requires: Vec<ServiceName>,
    /// What makes it ready; none: being launched does.
    pub probe: Option<CustomProbe>,
    /// When it is started again.
    pub restart: RestartMode,
    /// The codes besides 0 of an exit that is no failure.
    pub success_exit: BTreeSet<i32>,
    /// What makes it read its files again; none: only a restart.
    pub reload: Option<CustomReload>,
    /// From launch to ready, at most.
    pub start_timeout: Duration,
    /// From SIGTERM to SIGKILL.
    pub stop_timeout: Duration,
    /// Whether it is restarted by plan if it leaks.
    pub recycle: bool,
}

/// What a service of the user's own is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomKind {
    /// It runs until it is stopped.
    Daemon,
    /// It runs to its end.
    Task {
        /// Longer than this is a failure.
        deadline: Duration,
        /// When; none: once.
        schedule: Option<CustomSchedule>,
    },
    /// Somebody else runs it.
    External,
}

/// When a task runs again and again.
pub type CustomSchedule = supervise::spec::Schedule;

/// What makes a service of the user's own read its files again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomReload {
    /// The number of a signal to its main process.
    Signal(i32),
    /// A command that ends with 0.
    Run(Vec<String>),
}

/// What a person puts into an environment may be a key.
impl fmt::Debug for CustomService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.keys().collect();
        f.debug_struct("CustomService")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("command", &self.command)
            .field("environment", &names)
            .field("listen", &self.listen)
            .field("requires", &self.requires)
            .field("probe", &self.probe)
            .field("restart", &self.restart)
            .finish_non_exhaustive()
    }
}

/// The probe of a service of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomProbe {
    /// `http://host:port/path`.
    Http(String),
    /// `host:port`.
    Tcp(String),
    /// A command that exits with 0.
    Exec(Vec<String>),
    /// It sends `READY=1`.
    Notify,
    /// A line of its output contains this.
    Log(String),
}
