//! The keys themselves.

use super::{Default, Key, PROFILES};
use crate::config::value::Kind;

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

/// A measure of the diet, which is taken unless somebody says otherwise.
const fn measure(variable: &'static str, name: &'static str, doc: &'static str) -> Key {
    short(
        variable,
        key(name, Kind::Bool, Default::Value("true"), "true", doc),
    )
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
            "What may be spent at the providers in 30 days: \"test\" (15 US dollars), \"prod\" (200), \"unlimited\" (1000), or an amount in US dollars from 0.01 on. There is always one: LiteLLM takes 0 to mean none.",
        ),
    ),
    short(
        "address",
        key(
            "listen.address",
            Kind::Address,
            Default::Value("\"127.0.0.1\""),
            "\"127.0.0.1\"",
            "The address of listen.port. Any other than a loopback address lets other machines in.",
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
        "admin-address",
        key(
            "listen.admin_address",
            Kind::Address,
            Default::Value("\"127.0.0.1\""),
            "\"127.0.0.1\"",
            "The address of listen.admin_port. Any other than a loopback address lets other machines try the admin page's password and the master key.",
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
        "signup",
        key(
            "open_webui.signup",
            Kind::Bool,
            Default::Value("false"),
            "false",
            "Whether people may make accounts of their own on the sign-up page; an administrator lets each of them in. Otherwise administrators make the accounts, in the browser or with 'ai-gateway admin create'. This key decides, not the switch in Open WebUI's settings.",
        ),
    ),
    flag(
        "admin-email",
        key(
            "open_webui.admin_email",
            Kind::Email,
            Default::Value("\"admin@localhost\""),
            "\"ada@example.org\"",
            "The e-mail address of the first account, the administrator's. It counts until that account is made, which is before anybody can reach Open WebUI.",
        ),
    ),
    flag(
        "admin-name",
        key(
            "open_webui.admin_name",
            Kind::PersonName,
            Default::Value("\"Admin\""),
            "\"Ada\"",
            "The name of the first account.",
        ),
    ),
    short(
        "trusted-proxies",
        key(
            "front.trusted_proxies",
            Kind::Networks,
            Default::Value("[]"),
            "[\"10.0.0.2\", \"192.168.7.0/24\"]",
            "Proxies in front of this gateway, as addresses or networks. Only from these is X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host believed; from everybody else such headers are replaced.",
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
            "The folder with the programs postgres and initdb.",
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
    measure(
        "lazy-types",
        "diet.lazy_types",
        "LiteLLM's database client loads its 10 MB of types when something asks for them, which nothing does but a type checker.",
    ),
    measure(
        "lazy-routes",
        "diet.lazy_routes",
        "FastAPI compiles what checks a route's parameters and answers at the route's first request, where LiteLLM has some 1700 of them.",
    ),
    measure(
        "lazy-modules",
        "diet.lazy_modules",
        "LiteLLM and Open WebUI import what their start has no use for (clients of clouds and of tools, a formatter, a command line) when something asks for it.",
    ),
    measure(
        "lazy-openai",
        "diet.lazy_openai",
        "LiteLLM imports those modules of OpenAI's types that are asked for, instead of all 800.",
    ),
    measure(
        "lazy-tokenizer",
        "diet.lazy_tokenizer",
        "LiteLLM reads Anthropic's vocabulary, 26 MB of it, when it first counts tokens by it.",
    ),
    measure(
        "lazy-audio",
        "diet.lazy_audio",
        "LiteLLM imports soundfile and NumPy when it first looks into an audio file.",
    ),
    measure(
        "lazy-guardrails",
        "diet.lazy_guardrails",
        "LiteLLM loads all kinds of guardrails when there is one, instead of at each start.",
    ),
    measure(
        "short-queries",
        "diet.short_queries",
        "LiteLLM's database client writes its queries without indentation, which takes long for a hundred rows of spend.",
    ),
    measure(
        "failed-imports",
        "diet.failed_imports",
        "LiteLLM's import of its telemetry, which is not installed, fails at once from the second request on, instead of being tried anew at each.",
    ),
    measure(
        "shared-lookups",
        "diet.shared_lookups",
        "Requests that miss the same key or team in LiteLLM's cache at the same time wait for the first to fetch it, instead of all asking the database.",
    ),
    measure(
        "small-stand-ins",
        "diet.small_stand_ins",
        "What stands for a Pydantic model's validator until the model is first used is small, where LiteLLM has 4300 of them.",
    ),
    measure(
        "late-gc",
        "diet.late_gc",
        "Python's cyclic garbage collector looks at each object once while LiteLLM and Open WebUI start, and leaves alone what was there by then.",
    ),
    measure(
        "short-changelog",
        "diet.short_changelog",
        "Open WebUI reads the five versions of its changelog that it shows when somebody asks for them, instead of all 1.5 MB at each start.",
    ),
    measure(
        "lazy-vectors",
        "diet.lazy_vectors",
        "Open WebUI loads Chroma, its store of documents' vectors, when the first document is added or searched.",
    ),
    measure(
        "few-indexes",
        "diet.few_indexes",
        "Chroma keeps the indexes of 8 documents in memory, and reads the others when they are searched, instead of keeping 64 and more.",
    ),
    measure(
        "return-memory",
        "diet.return_memory",
        "What Open WebUI has freed goes back to the kernel when it is a megabyte or more, instead of being kept for later.",
    ),
    measure(
        "bytecode",
        "diet.bytecode",
        "Set-up compiles what LiteLLM's start imports, instead of its first start.",
    ),
    measure(
        "static-files",
        "diet.static_files",
        "nginx serves the files of Open WebUI's page that never change, instead of asking Open WebUI for them.",
    ),
    measure(
        "small-engine",
        "diet.small_engine",
        "Where LiteLLM may use less than 1 GB, its query engine of kind \"wasm\" is run by Node.js with what keeps it small.",
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
        "The program, an absolute path, and its arguments. No shell reads it. Every user of the machine can see it: a secret does not belong here. It has to stay in the foreground: what it leaves running when it ends is ended too, wherever that has gone, and then the command is started again as `restart` says.",
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
        Default::Unset("no probe: the service counts as ready as soon as it has started"),
        "{ http = \"http://127.0.0.1:8025/health\" }",
        "What tells whether it is ready: one of { http = \"http://host:port/path\" }, { tcp = \"host:port\" }, { exec = [\"/program\", \"argument\"] }, { notify = true } (it sends READY=1 itself) or { log = \"text in a line of its output\" }. On a loopback address only an answer of a process of the service counts.",
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
