//! The keys that exist once for each service: the limits of every service, and the description of a service
//! of the user's own.

use super::{Declaration, key, recycle};
use crate::config::{
    schema::{Default, Key},
    value::ValueKind,
};

pub(in crate::config::schema) const EACH_SERVICE: Declaration = Declaration {
    keys: KEYS,
    tables: &[
        (
            "programs",
            "Programs of the distribution, where they are not to be looked for.",
        ),
        (
            "recycle",
            "What becomes of a service that leaks: it is restarted by plan, before the kernel has to \
             kill it. {leaking} and services of your own that ask for it, where their memory \
             is limited. docs/leaks.md explains it.",
        ),
        (
            "limits.*",
            "What a service may use, where it differs from the profile. The table is named after the \
             service: {services} or one of your own. \"none\" takes a limit \
             of the profile away.",
        ),
        (
            "service.*",
            "A service of your own, launched and watched like the others. Its name is a lower-case \
             letter, then lower-case letters, digits and dashes.",
        ),
    ],
    removed: &[],
    check: None,
    programs: None,
};

const KEYS: &[Key] = &[
    recycle::KEYS[0],
    recycle::KEYS[1],
    recycle::KEYS[2],
    recycle::KEYS[3],
    key(
        "limits.*.memory_max",
        ValueKind::Size,
        Default::Profile,
        "\"900 MB\"",
        "The most memory. Above it the service is killed and started again. kB, MB and GB count in thousands, KiB, MiB and GiB in 1024s; a plain number is in bytes.",
    ),
    key(
        "limits.*.memory_high",
        ValueKind::Size,
        Default::Unset("no such limit"),
        "\"850 MB\"",
        "Above this the kernel takes memory back and slows the service down, for ever if there is nothing to take: without swap, a service whose memory only grows stands still there instead of being started again.",
    ),
    key(
        "limits.*.cpus",
        ValueKind::Cpus,
        Default::Profile,
        "0.9",
        "The most CPU time, in CPUs.",
    ),
    key(
        "limits.*.cpu_weight",
        ValueKind::Whole {
            min: 1,
            max: 10_000,
        },
        Default::Profile,
        "100",
        "The share of the CPUs while several services want them; the kernel's default is 100.",
    ),
    key(
        "limits.*.io_weight",
        ValueKind::Whole {
            min: 1,
            max: 10_000,
        },
        Default::Profile,
        "100",
        "The share of the disks while several services want them; the kernel's default is 100.",
    ),
    key(
        "limits.*.pids_max",
        ValueKind::Whole {
            min: 16,
            max: 4_194_304,
        },
        Default::Profile,
        "256",
        "The most processes and threads.",
    ),
    key(
        "service.*.kind",
        ValueKind::Choice(&["daemon", "task", "external"]),
        Default::Value("\"daemon\""),
        "\"daemon\"",
        "What it is. A daemon runs until it is stopped. A task runs to its end: what requires it waits until it has ended well, and `ai-gateway start NAME` runs it once more. What is external is run by somebody else, perhaps on another machine: it has no command, it is asked by its probe, and what requires it waits until it answers.",
    ),
    key(
        "service.*.command",
        ValueKind::Command,
        Default::Unset("there has to be one, unless somebody else runs the service"),
        "[\"/usr/local/bin/mailer\", \"--port\", \"8025\"]",
        "The program, an absolute path, and its arguments. No shell reads it. Every user of the machine can see it: a secret does not belong here. It has to stay in the foreground: what it leaves running when it ends is ended too, wherever that has gone, and then the command is started again as `restart` says.",
    ),
    key(
        "service.*.environment",
        ValueKind::Environment,
        Default::Value("{}"),
        "{ MAILER_LOG = \"info\" }",
        "Its environment, besides PATH, HOME and LANG. A value \"secret:NAME\" is the secret of that name ('ai-gateway secret set NAME').",
    ),
    key(
        "service.*.environment_file",
        ValueKind::Path,
        Default::Unset("no such file"),
        "\"/etc/ai-gateway/mailer.env\"",
        "A file with more of its environment, for keys: lines of NAME=VALUE, as systemd's EnvironmentFile has them. Nobody but the gateway's user and root may read it. It is read at a start and at a reload.",
    ),
    key(
        "service.*.listen",
        ValueKind::Listen,
        Default::Value("[]"),
        "[\"127.0.0.1:8080\"]",
        "Where it listens: an IP address and a port, \"[::1]:8080\" for IPv6, or \"unix:/path\" for a Unix socket, which only the gateway's user may connect to. The gateway binds these addresses and keeps them while the service restarts, so that nobody else can take them and a client waits instead of being refused. The program is given the sockets as systemd gives them to a unit with a socket (sd_listen_fds(3): LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES, from descriptor 3 on, in this order); one that does not know of that cannot have them. \"[::]:8080\" is for IPv6 alone. A tcp probe of such an address is refused: the kernel takes a connection before the service answers.",
    ),
    key(
        "service.*.requires",
        ValueKind::Services,
        Default::Value("[]"),
        "[\"{first}\"]",
        "Services that must be ready before it is started.",
    ),
    key(
        "service.*.probe",
        ValueKind::Probe,
        Default::Unset("no probe: the service counts as ready as soon as it has started"),
        "{ http = \"http://127.0.0.1:8025/health\" }",
        "What tells whether it is ready: one of { http = \"http://host:port/path\" }, { tcp = \"host:port\" }, { exec = [\"/program\", \"argument\"] }, { notify = true } (it sends READY=1 itself) or { log = \"text in a line of its output\" }. On a loopback address only an answer of a process of the service counts.",
    ),
    key(
        "service.*.restart",
        ValueKind::Choice(&["always", "on-failure", "never"]),
        Default::Value("\"always\""),
        "\"on-failure\"",
        "When it is started again after it ended by itself. A task that has ended well is not.",
    ),
    key(
        "service.*.success_exit",
        ValueKind::Codes,
        Default::Value("[]"),
        "[3]",
        "Exit codes besides 0 that are no failure.",
    ),
    key(
        "service.*.schedule",
        ValueKind::Schedule,
        Default::Unset("it runs once, when the gateway starts"),
        "\"04:00\"",
        "When a task runs: at a time of each day, local time, or again and again (\"every 6 h\"), counted from the end of the run before. One that has failed is tried again at its next time.",
    ),
    key(
        "service.*.deadline",
        ValueKind::Time,
        Default::Value("\"1 h\""),
        "\"1 h\"",
        "The longest that a task may run.",
    ),
    key(
        "service.*.reload",
        ValueKind::Reload,
        Default::Unset("it cannot; restart it instead"),
        "\"HUP\"",
        "What makes it read its files again while it runs: a signal to its main process, or a command. `ai-gateway reload NAME` does it.",
    ),
    key(
        "service.*.start_timeout",
        ValueKind::Time,
        Default::Value("\"90 s\""),
        "\"90 s\"",
        "The longest that it may take to become ready.",
    ),
    key(
        "service.*.stop_timeout",
        ValueKind::Time,
        Default::Value("\"10 s\""),
        "\"10 s\"",
        "How long it has to end after SIGTERM before it is killed.",
    ),
    key(
        "service.*.recycle",
        ValueKind::Bool,
        Default::Value("false"),
        "true",
        "Whether it is restarted by plan if it leaks, as [recycle] says. It takes a memory_max.",
    ),
];
