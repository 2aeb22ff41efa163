//! What a daemon of these tests supervises, by name.

use std::{collections::BTreeMap, env, path::Path, time::Duration};

use ai_gateway::services::{
    ALL, RenderedFile, Stack,
    stack::{Particulars, dialects},
};
use supervise::spec::{
    Address, Command, EnvValue, HttpTarget, Limits, Listener, Liveness, Probe, Reload,
    ReloadAction, RestartMode, RestartPolicy, Schedule, ServiceKind, ServiceSpec, Startup,
    StopStep, Task,
};

use crate::gateway::name;

/// The stack of this name; none: nobody knows it.
pub(crate) fn stack(scenario: &str, home: &Path) -> Option<Stack> {
    if let Some(contents) = scenario.strip_prefix("reads ") {
        return Some(reading(home, contents));
    }
    let service = |name: &str, script: &str| service(home, name, script);
    let services = match scenario {
        "two" => vec![base(home), user(home)],
        "two-with-another-user" => {
            let mut user = user(home);
            user.command.args.push("different".to_owned());
            vec![base(home), user, service("another", "exec sleep 1000")]
        }
        "runaway" => vec![ServiceSpec {
            startup: ready_by(Probe::LogLine("away".into())),
            ..service(
                "runaway",
                "(setsid sh -c 'echo away; exec sleep 1000' &); exec sleep 2000",
            )
        }],
        "mover" => vec![service(
            "mover",
            &format!("{} cd / && exec sleep 1000", writes_pid(home, "moved")),
        )],
        "forks" => forks(home),
        "untitled" => vec![service("untitled", "exec env -i /bin/sleep 1000")],
        "ordered" => ordered(home),
        "probes" => probes(home),
        "hanging-probe" => vec![ServiceSpec {
            liveness: Some(Liveness {
                probe: Probe::Exec(command(home, "ill", "exec sleep 1000")),
                every: Duration::from_millis(10),
                timeout: Duration::from_millis(100),
                failures: 2,
                restart_after: None,
                hung_after: None,
            }),
            ..service("ill", "exec sleep 1000")
        }],
        "hangs" => vec![answering(home)],
        "now-and-then" => vec![answering_now_and_then(home)],
        "another-listener" => vec![listening(home)],
        "held" => vec![held(home)],
        "broken" => {
            let mut broken = service("broken", "");
            broken.command.program = "/nonexistent".into();
            vec![broken, service("fine", "exec sleep 1000")]
        }
        "telling" => vec![ServiceSpec {
            startup: ready_by(Probe::LogLine("is up".into())),
            ..service(
                "telling",
                &format!(
                    "{} >start-moments; echo it is up; exec sleep 1000",
                    python("moments")
                ),
            )
        }],
        "task" => task(home),
        "again" => again_and_again(home),
        "kinds" => every_kind(home, Duration::from_secs(60)),
        "kinds-with-another-deadline" => every_kind(home, Duration::from_secs(61)),
        "elsewhere" => elsewhere(home),
        "secretive" => secretive(home),
        "stubborn" => vec![ServiceSpec {
            startup: ready_by(Probe::LogLine("deaf".into())),
            ..service(
                "stubborn",
                "trap '' TERM; echo deaf; while :; do sleep 1000; done",
            )
        }],
        _ => return None,
    };
    Some(Stack {
        services,
        folders: Vec::new(),
        files: Vec::new(),
        // A service that is named as one of ours speaks as it does.
        particulars: Particulars {
            dialects: dialects(&ALL),
            ..Particulars::default()
        },
    })
}

/// A service that copies its file to `seen` at its start and at SIGHUP. A file that says *bad* does not
/// pass its check, and the check of one that says *slow* takes too long.
fn reading(home: &Path, contents: &str) -> Stack {
    let file = home.join("conf");
    let at = file.display();
    let seen = home.join("seen").display().to_string();
    let read = format!("cp {at} {seen}.new; mv {seen}.new {seen}");
    let script =
        format!("trap '{read}' HUP; {read}; echo is up; while :; do sleep 1000 & wait $!; done");
    let check = format!("grep -q slow {at} && sleep 1000; ! grep -q bad {at}");
    let spec = ServiceSpec {
        startup: ready_by(Probe::LogLine("is up".into())),
        files: [(file.clone(), contents.to_owned())].into(),
        reload: Some(Reload {
            check: Some(command(home, "reader", &check)),
            action: ReloadAction::Signal(libc::SIGHUP),
            timeout: Duration::from_millis(500),
        }),
        ..service(home, "reader", &script)
    };
    Stack {
        services: vec![spec],
        folders: Vec::new(),
        files: vec![RenderedFile {
            path: file,
            contents: contents.to_owned(),
        }],
        particulars: Particulars::default(),
    }
}

/// A task that says once more that it has run and ends with a code that is no failure once there is a file,
/// and a service that waits for it.
fn task(home: &Path) -> Vec<ServiceSpec> {
    let (flag, ran) = (home.join("go").display().to_string(), home.join("ran"));
    let script = format!(
        "while ! test -e {flag}; do sleep 0.01; done; echo run >>{}; exit 3",
        ran.display()
    );
    let make = ServiceSpec {
        kind: ServiceKind::Task(Task {
            deadline: Duration::from_secs(60),
            schedule: None,
        }),
        success_exit: [3].into(),
        ..service(home, "make", &script)
    };
    let after = ServiceSpec {
        requires: [name("make")].into(),
        ..service(home, "after", "exec sleep 1000")
    };
    vec![make, after]
}

/// A task that runs again and again, each time until there is a file, and a service beside it.
fn again_and_again(home: &Path) -> Vec<ServiceSpec> {
    let [task, beside] = task(home).try_into().expect("there are two");
    let scheduled = ServiceSpec {
        kind: ServiceKind::Task(Task {
            deadline: Duration::from_secs(60),
            schedule: Some(Schedule::Every(Duration::from_millis(50))),
        }),
        ..task
    };
    let beside = ServiceSpec {
        requires: [].into(),
        ..beside
    };
    vec![scheduled, beside]
}

/// What somebody else runs, a task that is done, and a service that needs neither.
fn every_kind(home: &Path, deadline: Duration) -> Vec<ServiceSpec> {
    let [external, _] = elsewhere(home).try_into().expect("there are two");
    let [task, _] = task(home).try_into().expect("there are two");
    let kind = ServiceKind::Task(Task {
        deadline,
        schedule: None,
    });
    let task = ServiceSpec { kind, ..task };
    vec![external, task, service(home, "beside", "exec sleep 1000")]
}

/// A service that somebody else runs, and one that waits for it.
fn elsewhere(home: &Path) -> Vec<ServiceSpec> {
    let probe = Probe::Tcp(own_address());
    let there = ServiceSpec {
        kind: ServiceKind::External,
        startup: Startup {
            deadline: Duration::from_millis(300),
            ..ready_by(probe.clone())
        },
        liveness: Some(Liveness {
            probe,
            every: Duration::from_millis(10),
            timeout: Duration::from_secs(10),
            failures: 2,
            restart_after: None,
            hung_after: None,
        }),
        ..service(home, "there", "")
    };
    let here = ServiceSpec {
        requires: [name("there")].into(),
        ..service(home, "here", "exec sleep 1000")
    };
    vec![there, here]
}

/// Has a shell write its number to a file, as a whole.
fn writes_pid(home: &Path, file: &str) -> String {
    let file = home.join(file).display().to_string();
    format!("echo $$ >{file}.new && mv {file}.new {file} &&")
}

/// A service whose command leaves it in every way that there is.
fn forks(home: &Path) -> Vec<ServiceSpec> {
    let leave = |file: &str| format!("{} cd / && exec sleep 1000", writes_pid(home, file));
    let (twice, again, traceless) = (leave("twice"), leave("session"), leave("traceless"));
    let script = format!(
        "(setsid sh -c '(setsid sh -c \"{}\" &) &') & setsid -f sh -c '{again}'; \
         env -i PATH=/bin:/usr/bin setsid -f sh -c '{traceless}'; exec sleep 2000",
        twice.replace('$', "\\$")
    );
    vec![service(home, "forks", &script)]
}

/// Answers probes, until it is stopped or told to hang.
fn answering(home: &Path) -> ServiceSpec {
    let (script, probe) = server("answers");
    ServiceSpec {
        startup: ready_by(probe.clone()),
        liveness: Some(Liveness {
            probe,
            every: Duration::from_millis(50),
            timeout: Duration::from_millis(500),
            failures: 3,
            restart_after: None,
            hung_after: Some(2),
        }),
        stop: vec![StopStep::Signal {
            signal: libc::SIGTERM,
            timeout: Duration::from_secs(2),
        }],
        ..service(home, "hangs", &script)
    }
}

/// Has an answer to every other probe, and from the seventh on a bad one.
fn answering_now_and_then(home: &Path) -> ServiceSpec {
    let (script, probe) = server("answers-now-and-then");
    ServiceSpec {
        startup: ready_by(Probe::Tcp(own_address())),
        liveness: Some(Liveness {
            probe,
            every: Duration::from_millis(10),
            timeout: Duration::from_millis(500),
            failures: 2,
            restart_after: None,
            hung_after: Some(1),
        }),
        ..service(home, "now-and-then", &script)
    }
}

/// A server of this kind (`service.py`), and a probe that asks it.
fn server(kind: &str) -> (String, Probe) {
    let at = own_address();
    let (_, port) = at.split_once(':').expect("it has a port");
    let script = format!("exec {} {port}", python(kind));
    let probe = Probe::Http(HttpTarget {
        at: Address::Tcp(at),
        path: "/".to_owned(),
    });
    (script, probe)
}

/// A command line that does what `service.py` has of this name.
fn python(what: &str) -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/runtime/service.py");
    format!("/usr/bin/python3 -B '{file}' {what}")
}

fn own_address() -> String {
    let port = env::var(PORT).expect("the test has set it");
    format!("127.0.0.1:{port}")
}

/// A service that another one needs, and says in a file how both are stopped.
fn ordered(home: &Path) -> Vec<ServiceSpec> {
    let order = home.join("order").display().to_string();
    let waits = "while :; do sleep 1000 & wait $!; done";
    let signal = |signal| StopStep::Signal {
        signal,
        timeout: Duration::from_secs(60),
    };
    let base = ServiceSpec {
        startup: ready_by(Probe::LogLine("is up".into())),
        stop: vec![signal(libc::SIGINT)],
        ..service(
            home,
            "base",
            &format!("trap 'echo base INT >>{order}; exit 0' INT; echo is up; {waits}"),
        )
    };
    let drain = command(home, "user", &format!("echo user drains >>{order}"));
    let user = ServiceSpec {
        requires: [name("base")].into(),
        startup: ready_by(Probe::LogLine("is up".into())),
        stop: vec![
            StopStep::Run {
                command: drain,
                timeout: Duration::from_secs(60),
            },
            signal(libc::SIGTERM),
        ],
        ..service(
            home,
            "user",
            &format!(
                "trap 'sleep 0.3; echo user TERM >>{order}; exit 0' TERM; echo is up; {waits}"
            ),
        )
    };
    vec![base, user]
}

/// The variable that says where a service of these tests listens.
pub(crate) const PORT: &str = "AI_GATEWAY_TEST_PORT";

/// Ready when it listens on a port, which it does once there is a file, and not before.
fn listening(home: &Path) -> ServiceSpec {
    let port = env::var(PORT).expect("the test has set it");
    let address = format!("127.0.0.1:{port}");
    let flag = home.join("listen").display().to_string();
    let script = format!(
        "while ! test -e {flag}; do sleep 0.01; done; exec {} {port}",
        python("listens")
    );
    ServiceSpec {
        startup: Startup {
            listens: Some(address.parse().expect("an address")),
            ..ready_by(Probe::Tcp(address))
        },
        ..service(home, "listening", &script)
    }
}

/// Answers each connection to the socket that is held for it with its process's number, after
/// there is a file; `die` makes it end, and its stop waits for nothing.
fn held(home: &Path) -> ServiceSpec {
    let port = env::var(PORT).expect("the test has set it");
    let address = format!("127.0.0.1:{port}");
    let flag = home.join("answer").display().to_string();
    let script = format!(
        "while ! test -e {flag}; do sleep 0.01; done; exec {}",
        python("held")
    );
    ServiceSpec {
        listeners: vec![Listener::Tcp(address.parse().expect("an address"))],
        ..service(home, "held", &script)
    }
}

fn base(home: &Path) -> ServiceSpec {
    ServiceSpec {
        startup: ready_by(Probe::LogLine("is up".into())),
        ..service(
            home,
            "base",
            "trap 'echo base goes down; exit 0' TERM; echo base is up; \
             while :; do sleep 1000 & wait $!; done",
        )
    }
}

fn user(home: &Path) -> ServiceSpec {
    ServiceSpec {
        requires: [name("base")].into(),
        ..service(home, "user", "exec sleep 1000")
    }
}

/// What no log may ever hold.
pub(crate) const SECRET: &str = "sk-never-in-a-log";

/// A service that says how urgent its lines are, PostgreSQL's stand-in, which cannot, and one that
/// cannot even be launched; each has a secret in its environment.
fn secretive(home: &Path) -> Vec<ServiceSpec> {
    let flag = home.join("said").display().to_string();
    let says = format!(
        "test \"$JOURNAL_STREAM\" && echo '<3>an error'; echo 'a line'; touch {flag}; \
         exec sleep 1000"
    );
    let database = "echo '[1] LOG:  ready to accept'; echo '[2] a@b ERROR:  no'; \
                    printf '[2] a@b STATEMENT:  SELECT\\n\\t1\\n'; exec sleep 1000";
    let mut services = vec![
        ServiceSpec {
            startup: ready_by(Probe::Exec(command(
                home,
                "says",
                &format!("test -e {flag}"),
            ))),
            ..service(home, "says", &says)
        },
        ServiceSpec {
            startup: ready_by(Probe::LogLine("STATEMENT".into())),
            ..service(home, "postgres", database)
        },
        ServiceSpec {
            startup: ready_by(Probe::Exec(command(home, "ill", "exit 1"))),
            ..service(home, "ill", "exit 3")
        },
        service(home, "broken", ""),
    ];
    services[3].command.program = "/nonexistent".into();
    for service in &mut services {
        let secret = EnvValue::Secret(SECRET.to_owned());
        service.command.env.insert("API_KEY".to_owned(), secret);
    }
    services
}

/// One service for each kind of readiness that a shell can play.
fn probes(home: &Path) -> Vec<ServiceSpec> {
    let flag = home.join("flag").display().to_string();
    let after = ServiceSpec {
        startup: Startup {
            post_start: Some(command(home, "after", "true")),
            ..ready_by(Probe::LogLine("up".into()))
        },
        ..service(home, "after", "echo up; exec sleep 1000")
    };
    vec![
        ServiceSpec {
            startup: ready_by(Probe::Notify),
            ..service(
                home,
                "notify",
                &format!("{}; exec sleep 1000", python("notifies")),
            )
        },
        ServiceSpec {
            startup: ready_by(Probe::Exec(command(
                home,
                "exec",
                &format!("test -e {flag}"),
            ))),
            ..service(home, "exec", &format!("touch {flag}; exec sleep 1000"))
        },
        after,
    ]
}

fn ready_by(readiness: Probe) -> Startup {
    Startup {
        deadline: Duration::from_secs(30),
        readiness: Some(readiness),
        listens: None,
        every: Duration::from_millis(10),
        timeout: Duration::from_secs(10),
        post_start: None,
    }
}

fn command(home: &Path, name: &str, script: &str) -> Command {
    let path = EnvValue::Plain("/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    Command {
        program: "/bin/sh".into(),
        args: vec!["-c".to_owned(), script.to_owned(), name.to_owned()],
        env: BTreeMap::from([("PATH".to_owned(), path)]),
        cwd: home.join("state/services").join(name),
    }
}

/// Ready once it was launched.
fn service(home: &Path, of: &str, script: &str) -> ServiceSpec {
    ServiceSpec {
        name: name(of),
        command: command(home, of, script),
        kind: ServiceKind::Daemon,
        files: BTreeMap::new(),
        listeners: Vec::new(),
        requires: [].into(),
        restart_with_requirements: false,
        startup: Startup {
            readiness: None,
            ..ready_by(Probe::Notify)
        },
        liveness: None,
        restart: RestartPolicy {
            mode: RestartMode::Always,
            base: Duration::from_millis(10),
            cap: Duration::from_millis(50),
            burst: 3,
            stable: Duration::from_secs(60),
        },
        success_exit: [].into(),
        reload: None,
        stop: vec![StopStep::Signal {
            signal: libc::SIGTERM,
            timeout: Duration::from_secs(60),
        }],
        limits: Limits::default(),
        recycle: None,
    }
}
