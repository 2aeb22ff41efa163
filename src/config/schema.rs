//! The one list of keys. The decoder, the example, `config show`, the reference and the names of
//! variables and flags are all made from it, so that they cannot disagree.

use super::value::Kind;

/// Services that the gateway brings along, in the order in which they are listed.
pub const BUILT_IN: [&str; 4] = ["postgres", "litellm", "open-webui", "nginx"];

/// Names that a service of the user's own cannot have.
pub const RESERVED: [&str; 5] = ["postgres", "litellm", "open-webui", "nginx", "supervisor"];

/// The profiles, smallest machine first, and last the one without limits.
pub const PROFILES: [&str; 5] = ["tiny", "small", "medium", "large", "local"];

/// What holds for a key that nobody sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// A value, as TOML.
    Value(&'static str),
    /// What the profile says.
    Profile,
    /// No value; the text says what happens then.
    Unset(&'static str),
    /// There has to be one.
    Required,
}

/// One key of `gateway.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The dotted name; `*` stands for a service's name.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// What it is for, in whole sentences.
    pub doc: &'static str,
    /// What holds without it.
    pub default: Default,
    /// A value that shows how to write one, as TOML.
    pub example: &'static str,
    /// The name that its environment variable, and its flag if it has one, are made of.
    pub short: Option<&'static str>,
    /// Whether set-up has a flag for it.
    pub has_flag: bool,
}

impl Key {
    /// The environment variable that sets it.
    pub fn variable(&self) -> Option<String> {
        let short = self.short?.to_ascii_uppercase().replace('-', "_");
        Some(format!("AI_GATEWAY_{short}"))
    }

    /// The flag of `setup` that sets it, as it is typed.
    pub fn flag(&self) -> Option<String> {
        let short = self.short.filter(|_| self.has_flag)?;
        Some(format!("--{short}"))
    }

    /// The last part of its name.
    pub fn leaf(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// The name of its table, or nothing for one at the top.
    pub fn table(&self) -> &'static str {
        self.name.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Whether it is there once for each service.
    pub fn of_a_service(&self) -> bool {
        self.name.contains('*')
    }
}

/// What a dotted name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lookup {
    Key(&'static Key),
    Table,
    Unknown,
}

impl Lookup {
    pub(super) fn is_key(self) -> bool {
        matches!(self, Self::Key(_))
    }
}

/// Looks a path up; a service's name matches `*`.
pub(super) fn look_up(path: &[&str]) -> Lookup {
    let mut found = Lookup::Unknown;
    for key in KEYS {
        let mut parts = key.name.split('.');
        if path
            .iter()
            .all(|part| parts.next().is_some_and(|known| matches(known, part)))
        {
            match parts.next() {
                None => return Lookup::Key(key),
                Some(_) => found = Lookup::Table,
            }
        }
    }
    found
}

fn matches(known: &str, part: &str) -> bool {
    known == "*" || known == part
}

/// Finds the key that a dotted name such as `limits.nginx.cpus` is one of.
pub fn find(name: &str) -> Option<&'static Key> {
    match look_up(&name.split('.').collect::<Vec<_>>()) {
        Lookup::Key(key) => Some(key),
        Lookup::Table | Lookup::Unknown => None,
    }
}

/// The names that may stand in the table at `path`.
pub(super) fn names_in(path: &[&str]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for key in KEYS {
        let mut parts = key.name.split('.');
        let inside = path
            .iter()
            .all(|part| parts.next().is_some_and(|known| matches(known, part)));
        if let (true, Some(name)) = (inside, parts.next())
            && name != "*"
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// What a table is for, as the example says it before its keys.
pub const TABLES: &[(&str, &str)] = &[
    ("", "The gateway as a whole."),
    ("listen", "Where people reach the gateway."),
    ("litellm", "LiteLLM, the proxy in front of the models."),
    ("open_webui", "Open WebUI, the chat page."),
    ("postgres", "PostgreSQL, the database of both."),
    (
        "engine",
        "The query engine by which LiteLLM reaches its database.",
    ),
    (
        "programs",
        "Programs of the distribution, where they are not to be looked for.",
    ),
    (
        "diet",
        "What makes the services small and quick to start, without changing what they do. Each \
         can be switched off by itself.",
    ),
    (
        "recycle",
        "What becomes of a service that leaks: it is restarted by plan, before the kernel has to \
         kill it. LiteLLM, Open WebUI and services of your own that ask for it, where their memory \
         is limited. docs/leaks.md explains it.",
    ),
    (
        "limits.*",
        "What a service may use, where it differs from the profile. The table is named after the \
         service: postgres, litellm, open-webui, nginx or one of your own. \"none\" takes a limit \
         of the profile away.",
    ),
    (
        "service.*",
        "A service of your own, launched and watched like the others. Its name is a lower-case \
         letter, then lower-case letters, digits and dashes.",
    ),
];

const fn key(
    name: &'static str,
    kind: Kind,
    default: Default,
    example: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        name,
        kind,
        doc,
        default,
        example,
        short: None,
        has_flag: false,
    }
}

/// A key that an environment variable sets as well.
const fn short(short: &'static str, key: Key) -> Key {
    Key {
        short: Some(short),
        ..key
    }
}

/// A key that an environment variable and a flag set as well.
const fn flag(name: &'static str, key: Key) -> Key {
    Key {
        has_flag: true,
        ..short(name, key)
    }
}

/// All keys, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    flag(
        "profile",
        key(
            "profile",
            Kind::Choice(&PROFILES),
            Default::Unset("the largest that fits this machine"),
            "\"small\"",
            "How much the services may use: tiny (a machine with 1 GB), small (2 GB), medium (4 GB), large (8 GB), or local, which limits nothing.",
        ),
    ),
    flag(
        "budget",
        key(
            "budget",
            Kind::Budget,
            Default::Value("\"test\""),
            "\"prod\"",
            "What may be spent at the providers in 30 days: \"test\" (15 US dollars), \"prod\" (200), \"unlimited\" (1000), or an amount in US dollars.",
        ),
    ),
    short(
        "address",
        key(
            "listen.address",
            Kind::Address,
            Default::Value("\"127.0.0.1\""),
            "\"127.0.0.1\"",
            "The address of both ports. Any other than a loopback address lets other machines in.",
        ),
    ),
    flag(
        "port",
        key(
            "listen.port",
            Kind::Port,
            Default::Value("3000"),
            "3000",
            "Open WebUI, and the API under /api/litellm/v1/.",
        ),
    ),
    flag(
        "admin-port",
        key(
            "listen.admin_port",
            Kind::Port,
            Default::Value("4000"),
            "4000",
            "LiteLLM's own API and its admin page under /ui.",
        ),
    ),
    short(
        "workers",
        key(
            "litellm.workers",
            Kind::Whole { min: 1, max: 64 },
            Default::Profile,
            "2",
            "Worker processes. Each further one needs about 600 MB.",
        ),
    ),
    short(
        "demo-model",
        key(
            "litellm.demo_model",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "Whether there is a model that answers by itself, without any provider, for as long as there is no other.",
        ),
    ),
    short(
        "open-webui",
        key(
            "open_webui.enabled",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "Whether it is a part of the gateway at all.",
        ),
    ),
    short(
        "max-connections",
        key(
            "postgres.max_connections",
            Kind::Whole {
                min: 10,
                max: 10_000,
            },
            Default::Unset("as many as the services' pools need"),
            "100",
            "The most connections at a time.",
        ),
    ),
    short(
        "engine",
        key(
            "engine.kind",
            Kind::Choice(&["wasm", "program", "download"]),
            Default::Value("\"wasm\""),
            "\"wasm\"",
            "\"wasm\" is the official build for WebAssembly in a small server of our own. \"program\" is a native engine that is there (engine.path), \"download\" a native one to fetch (engine.url and engine.sha256).",
        ),
    ),
    short(
        "engine-path",
        key(
            "engine.path",
            Kind::Path,
            Default::Unset("none, and needed with kind \"program\""),
            "\"/opt/prisma/query-engine\"",
            "The native engine.",
        ),
    ),
    short(
        "engine-url",
        key(
            "engine.url",
            Kind::Url,
            Default::Unset("none, and needed with kind \"download\""),
            "\"https://example.org/query-engine\"",
            "Where the native engine is downloaded from.",
        ),
    ),
    short(
        "engine-sha256",
        key(
            "engine.sha256",
            Kind::Sha256,
            Default::Unset("none, and needed with kind \"download\""),
            "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
            "The SHA-256 of what is downloaded.",
        ),
    ),
    short(
        "postgres-bin",
        key(
            "programs.postgres_bin",
            Kind::Path,
            Default::Unset("the one that is found"),
            "\"/usr/lib/postgresql/15/bin\"",
            "The folder that holds postgres and initdb.",
        ),
    ),
    short(
        "nginx",
        key(
            "programs.nginx",
            Kind::Path,
            Default::Unset("the one that is found"),
            "\"/usr/sbin/nginx\"",
            "nginx.",
        ),
    ),
    short(
        "python",
        key(
            "programs.python",
            Kind::Path,
            Default::Unset("the one that is found"),
            "\"/usr/bin/python3.11\"",
            "The Python that the environments are made with.",
        ),
    ),
    short(
        "node",
        key(
            "programs.node",
            Kind::Path,
            Default::Unset("the one that is found"),
            "\"/usr/bin/node\"",
            "Node.js, which runs the engine of kind \"wasm\".",
        ),
    ),
    short(
        "lazy-types",
        key(
            "diet.lazy_types",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "LiteLLM's database client loads its 10 MB of types when something asks for them, which nothing does but a type checker.",
        ),
    ),
    short(
        "lazy-models",
        key(
            "diet.lazy_models",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "Pydantic makes what validates a model's data at the model's first use, instead of for all the models of both services when they start.",
        ),
    ),
    short(
        "lazy-routes",
        key(
            "diet.lazy_routes",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "FastAPI compiles what checks a route's parameters and answers at the route's first request, where LiteLLM has some 1700 of them.",
        ),
    ),
    short(
        "lazy-modules",
        key(
            "diet.lazy_modules",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "LiteLLM and Open WebUI import what their start has no use for (clients of clouds and of tools, a formatter, a command line) when something asks for it.",
        ),
    ),
    short(
        "lazy-openai",
        key(
            "diet.lazy_openai",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "LiteLLM imports those modules of OpenAI's types that are asked for, instead of all 800.",
        ),
    ),
    short(
        "lazy-tokenizer",
        key(
            "diet.lazy_tokenizer",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "LiteLLM reads Anthropic's vocabulary, 26 MB of it, when it first counts tokens by it.",
        ),
    ),
    short(
        "lazy-audio",
        key(
            "diet.lazy_audio",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "LiteLLM imports soundfile and NumPy when it first looks into an audio file.",
        ),
    ),
    short(
        "small-stand-ins",
        key(
            "diet.small_stand_ins",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "What stands for a Pydantic model's validator until the model is first used is small, where LiteLLM has 4300 of them.",
        ),
    ),
    short(
        "late-gc",
        key(
            "diet.late_gc",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "Python's cyclic garbage collector looks at each object once while LiteLLM and Open WebUI start, and leaves alone what was there by then.",
        ),
    ),
    short(
        "short-changelog",
        key(
            "diet.short_changelog",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "Open WebUI reads the five versions of its changelog that it shows when somebody asks for them, instead of all 1.5 MB at each start.",
        ),
    ),
    short(
        "lazy-vectors",
        key(
            "diet.lazy_vectors",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "Open WebUI loads Chroma, its store of documents' vectors, when the first document is added or searched.",
        ),
    ),
    short(
        "few-indexes",
        key(
            "diet.few_indexes",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "Chroma keeps the indexes of 8 documents in memory, and reads the others when they are searched, instead of keeping 64 and more.",
        ),
    ),
    short(
        "return-memory",
        key(
            "diet.return_memory",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "What Open WebUI has freed goes back to the kernel when it is a megabyte or more, instead of being kept for later.",
        ),
    ),
    short(
        "bytecode",
        key(
            "diet.bytecode",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "Set-up compiles what LiteLLM's start imports, instead of its first start.",
        ),
    ),
    short(
        "static-files",
        key(
            "diet.static_files",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "nginx serves the files of Open WebUI's page that never change, instead of asking Open WebUI for them.",
        ),
    ),
    short(
        "small-engine",
        key(
            "diet.small_engine",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "Where LiteLLM may use less than 1 GB, its query engine of kind \"wasm\" is run by Node.js with what keeps it small.",
        ),
    ),
    short(
        "recycle",
        key(
            "recycle.enabled",
            Kind::Bool,
            Default::Value("true"),
            "true",
            "Whether services that leak are restarted by plan at all.",
        ),
    ),
    short(
        "recycle-hour",
        key(
            "recycle.hour",
            Kind::Hour,
            Default::Value("\"04:00\""),
            "\"04:00\"",
            "The time of the day, local time, at which a restart disturbs least: within the hour that begins then, a service that would run out of memory in the next 24 hours is restarted. \"none\": only while it is idle, or at the last moment.",
        ),
    ),
    short(
        "recycle-every",
        key(
            "recycle.every",
            Kind::Time,
            Default::Value("\"1 min\""),
            "\"1 min\"",
            "How often their memory is measured.",
        ),
    ),
    short(
        "recycle-youngest",
        key(
            "recycle.youngest",
            Kind::Time,
            Default::Value("\"20 min\""),
            "\"20 min\"",
            "A service that was ready for less than this is left alone: it still warms up.",
        ),
    ),
    key(
        "limits.*.memory_max",
        Kind::Size,
        Default::Profile,
        "\"900 MB\"",
        "The most memory. Above it the service is killed and started again. kB, MB and GB count in thousands, KiB, MiB and GiB in 1024s; a plain number is in bytes.",
    ),
    key(
        "limits.*.memory_high",
        Kind::Size,
        Default::Unset("no such limit"),
        "\"850 MB\"",
        "Above this the kernel takes memory back and slows the service down, for ever if there is nothing to take: without swap, a service whose memory only grows stands still there instead of being started again.",
    ),
    key(
        "limits.*.cpus",
        Kind::Cpus,
        Default::Profile,
        "0.9",
        "The most CPU time, in CPUs.",
    ),
    key(
        "limits.*.cpu_weight",
        Kind::Whole {
            min: 1,
            max: 10_000,
        },
        Default::Profile,
        "100",
        "The share of the CPUs while several services want them; the kernel's default is 100.",
    ),
    key(
        "limits.*.io_weight",
        Kind::Whole {
            min: 1,
            max: 10_000,
        },
        Default::Profile,
        "100",
        "The share of the disks while several services want them; the kernel's default is 100.",
    ),
    key(
        "limits.*.pids_max",
        Kind::Whole {
            min: 16,
            max: 4_194_304,
        },
        Default::Profile,
        "256",
        "The most processes and threads.",
    ),
    key(
        "service.*.command",
        Kind::Command,
        Default::Required,
        "[\"/usr/local/bin/mailer\", \"--port\", \"8025\"]",
        "The program, an absolute path, and its arguments. No shell reads it. Every user of the machine can see it: a secret does not belong here.",
    ),
    key(
        "service.*.environment",
        Kind::Environment,
        Default::Value("{}"),
        "{ MAILER_LOG = \"info\" }",
        "Its environment, besides PATH, HOME and LANG.",
    ),
    key(
        "service.*.requires",
        Kind::Services,
        Default::Value("[]"),
        "[\"postgres\"]",
        "Services that must be ready before it is started.",
    ),
    key(
        "service.*.probe",
        Kind::Probe,
        Default::Unset("none: it is ready once it was launched"),
        "{ http = \"http://127.0.0.1:8025/health\" }",
        "What tells whether it is ready: one of { http = \"http://host:port/path\" }, { tcp = \"host:port\" }, { exec = [\"/program\", \"argument\"] }, { notify = true } (it sends READY=1 itself) or { log = \"text in a line of its output\" }.",
    ),
    key(
        "service.*.restart",
        Kind::Choice(&["always", "on-failure", "never"]),
        Default::Value("\"always\""),
        "\"on-failure\"",
        "When it is started again after it ended by itself.",
    ),
    key(
        "service.*.start_timeout",
        Kind::Time,
        Default::Value("\"90 s\""),
        "\"90 s\"",
        "The longest that it may take to become ready.",
    ),
    key(
        "service.*.stop_timeout",
        Kind::Time,
        Default::Value("\"10 s\""),
        "\"10 s\"",
        "How long it has to end after SIGTERM before it is killed.",
    ),
    key(
        "service.*.recycle",
        Kind::Bool,
        Default::Value("false"),
        "true",
        "Whether it is restarted by plan if it leaks, as [recycle] says. It takes a memory_max.",
    ),
];
