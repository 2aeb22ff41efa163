//! The stack: one file per service turns settings into a specification and the files it reads.
//!
//! Pure: data in, data out. What a service needs of the machine comes in as [`Installed`], what is
//! to be written goes out as [`RenderedFile`].

pub mod custom;
pub(crate) mod diet;
pub mod litellm;
pub mod nginx;
pub mod open_webui;
pub mod pools;
pub mod postgres;
mod secrets;

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use supervise::{
    recycle::RecyclePolicy,
    spec::{EnvValue, Limits, RestartMode, RestartPolicy, ServiceName, ServiceSpec},
};

pub use self::secrets::Secrets;
use crate::{
    config::{
        paths::Paths,
        settings::{Listen, Settings},
    },
    identity::PidFile,
    logs::Dialect,
    python,
};

/// The name of the database's service.
pub const POSTGRES: &str = "postgres";
/// The name of LiteLLM's service.
pub const LITELLM: &str = "litellm";
/// The name of Open WebUI's service.
pub const OPEN_WEBUI: &str = "open-webui";
/// The name of nginx's service.
pub const NGINX: &str = "nginx";

/// How many connections are to be able to wait at each listening socket while its service restarts: the
/// kernel's own default since Linux 5.4, and no fewer than nginx has to LiteLLM.
pub const QUEUE: u32 = 4096;

/// Where set-up has put the programs, all absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The folder of PostgreSQL's programs.
    pub postgres_bin: PathBuf,
    /// nginx.
    pub nginx: PathBuf,
    /// LiteLLM's virtual environment.
    pub litellm: PathBuf,
    /// Open WebUI's virtual environment.
    pub open_webui: PathBuf,
    /// Its page as it was built, where it is where it was when this was written.
    pub open_webui_frontend: Option<PathBuf>,
    /// LiteLLM's query engine.
    pub engine: PathBuf,
    /// The folder that holds `node`, which the wasm engine runs on.
    pub node_bin: PathBuf,
    /// This program, for post-start commands.
    pub ai_gateway: PathBuf,
}

/// A file to write before anything is launched.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Where.
    pub path: PathBuf,
    /// What. It may hold secrets: the file gets mode 0600.
    pub contents: String,
}

impl fmt::Debug for RenderedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.path.display(), self.contents.len())
    }
}

/// Everything that the runtime needs to bring the gateway up.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The services.
    pub services: Vec<ServiceSpec>,
    /// Folders to make first, mode 0700.
    pub folders: Vec<PathBuf>,
    /// Files to write.
    pub files: Vec<RenderedFile>,
    /// Files with a process's number that keep a service from starting.
    pub pid_files: Vec<(ServiceName, PidFile)>,
}

/// What one service adds to the stack.
struct Part {
    spec: ServiceSpec,
    /// Besides its working folder and the folder of its rendered files.
    folders: Vec<PathBuf>,
    files: Vec<RenderedFile>,
}

/// How long uvicorn keeps a connection that nobody uses, in seconds. Longer than any client of ours
/// does: who closes first may close while a question is on its way, and a question that is not
/// idempotent is not asked again. nginx takes what `UPSTREAM_KEEP_ALIVE_SECONDS` says, aiohttp (in
/// Open WebUI) 15 s, httpx 5 s; uvicorn's own 5 s are less than two of them.
const KEEP_ALIVE_SECONDS: u16 = 75;
/// How long nginx keeps a connection to Open WebUI that nobody uses, in seconds.
const UPSTREAM_KEEP_ALIVE_SECONDS: u16 = 60;
const _: () = assert!(KEEP_ALIVE_SECONDS > UPSTREAM_KEEP_ALIVE_SECONDS);

/// What every service's plan is made from.
struct Inputs<'a> {
    settings: &'a Settings,
    paths: &'a Paths,
    installed: &'a Installed,
    secrets: &'a Secrets,
    /// How many files a service may have open; none: it is not known.
    open_files: Option<u64>,
}

/// A Python service's own modules and those of both, all in the folder that it imports them from.
fn python_files(rendered: &Path, own: &[python::Module]) -> impl Iterator<Item = RenderedFile> {
    let modules = python::IN_BOTH.iter().chain(own);
    modules.map(|(name, contents)| RenderedFile {
        path: rendered.join(name),
        contents: (*contents).to_owned(),
    })
}

/// How to tell a service's urgent lines from others, where it cannot say so by itself.
pub fn dialect(service: &ServiceName) -> Option<Dialect> {
    match service.as_str() {
        POSTGRES => Some(Dialect::Postgres),
        NGINX => Some(Dialect::Nginx),
        _ => None,
    }
}

/// Plans the whole stack. `open_files` is how many files a service may have open, where that is
/// known.
pub fn plan(
    settings: &Settings,
    paths: &Paths,
    installed: &Installed,
    secrets: &Secrets,
    open_files: Option<u64>,
) -> Stack {
    let inputs = Inputs {
        settings,
        paths,
        installed,
        secrets,
        open_files,
    };
    let mut parts = vec![postgres::plan(&inputs), litellm::plan(&inputs)];
    if settings.open_webui.enabled {
        parts.push(open_webui::plan(&inputs));
    }
    parts.push(nginx::plan(&inputs));
    let customs = settings.custom.iter();
    parts.extend(customs.map(|service| custom::plan(&inputs, service)));

    let mut stack = Stack {
        services: Vec::new(),
        folders: vec![paths.state.clone(), paths.run.clone()],
        files: Vec::new(),
        pid_files: postgres::pid_files(&paths.postgres_data(), &paths.postgres_socket_folder())
            .map(|file| (name(POSTGRES), file))
            .into(),
    };
    for part in parts {
        stack.folders.push(paths.service(&part.spec.name));
        stack.folders.push(paths.rendered(&part.spec.name));
        stack.folders.extend(part.folders);
        stack.services.push(with_marks(part.spec, &part.files));
        stack.files.extend(part.files);
    }
    stack
}

/// The service with a mark of each file that it reads, so that a reload that changes no more than
/// a file (a budget is nowhere else) has the service take it up.
fn with_marks(mut spec: ServiceSpec, files: &[RenderedFile]) -> ServiceSpec {
    let marks = files.iter().map(|file| {
        let hash = Sha256::digest(&file.contents);
        // It only has to differ: half of it does.
        let half = hash.iter().take(16);
        let mark = half.fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        (file.path.clone(), mark)
    });
    spec.files = marks.collect();
    spec
}

/// One of the names above.
fn name(known: &'static str) -> ServiceName {
    ServiceName::new(known).expect("the names of our own services follow the grammar")
}

impl Inputs<'_> {
    fn limits(&self, service: &ServiceName) -> Limits {
        self.settings
            .limits
            .get(service)
            .cloned()
            .unwrap_or_default()
    }

    /// How a service that may leak is watched.
    fn recycle(&self) -> Option<RecyclePolicy> {
        let recycle = &self.settings.recycle;
        recycle.enabled.then_some(RecyclePolicy {
            every: recycle.every,
            youngest: recycle.youngest,
            at: recycle.hour,
        })
    }
}

/// What every process gets. `path` goes before the system's folders.
fn environment(home: &Path, path: &[&Path]) -> BTreeMap<String, EnvValue> {
    let own = path.iter().map(|folder| folder.display().to_string());
    let system = ["/usr/local/bin", "/usr/bin", "/bin"].map(str::to_owned);
    let path: Vec<String> = own.chain(system).collect();
    BTreeMap::from([
        plain("PATH", path.join(":")),
        plain("HOME", home.display()),
        plain("LANG", "C.UTF-8"),
    ])
}

fn plain(name: &str, value: impl fmt::Display) -> (String, EnvValue) {
    (name.to_owned(), EnvValue::Plain(value.to_string()))
}

fn secret(name: &str, value: impl Into<String>) -> (String, EnvValue) {
    (name.to_owned(), EnvValue::Secret(value.into()))
}

/// For services that must always be there.
fn always(stable: Duration) -> RestartPolicy {
    RestartPolicy {
        mode: RestartMode::Always,
        base: Duration::from_secs(1),
        cap: Duration::from_secs(60),
        burst: 10,
        stable,
    }
}

/// Where another process of this machine reaches a server that listens on `address`.
fn reach(address: IpAddr, port: u16) -> SocketAddr {
    let address = match address {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    };
    SocketAddr::new(address, port)
}

/// LiteLLM's own API and its admin page behind nginx, as seen from this machine.
pub fn admin_address(listen: &Listen) -> SocketAddr {
    reach(listen.admin_address, listen.admin_port)
}

/// nginx, as seen from this machine.
pub fn front_address(listen: &Listen) -> SocketAddr {
    reach(listen.address, listen.port)
}

/// `text` with everything that means something in a URL escaped.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
        url
    })
}

#[cfg(test)]
mod tests;
