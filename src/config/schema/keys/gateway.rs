//! The gateway as a whole, its own services and the programs that they are made of.

use super::{flag, key, short};
use crate::config::{
    schema::{Default, Key, PROFILES},
    value::Kind,
};

pub(super) const KEYS: &[Key] = &[
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
];
