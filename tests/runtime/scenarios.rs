//! What a daemon of these tests supervises, by name.

mod answers;
mod ends;
mod kinds;
mod own;
mod sockets;

use std::{collections::BTreeMap, path::Path, time::Duration};

use ai_gateway::{
    services::{ALL, dialects},
    stack::{Particulars, RenderedFile, Stack},
};
use supervise::spec::{
    Command, EnvValue, Liveness, Probe, Reload, ReloadAction, RestartMode, RestartPolicy,
    ServiceSpec, Startup, StopStep,
};

pub(crate) use self::sockets::PORT;
use self::{
    answers::{answering, answering_now_and_then, probes},
    ends::{forks, ordered, writes_pid},
    kinds::{again_and_again, elsewhere, every_kind, task},
    sockets::{held, listening},
};
use crate::gateway::name;

/// The stack of this name; none: nobody knows it.
pub(crate) fn stack(scenario: &str, home: &Path) -> Option<Stack> {
    if let Some(contents) = scenario.strip_prefix("reads ") {
        return Some(reading(home, contents));
    }
    if scenario.starts_with("[service.") {
        return Some(own::stack(home, scenario));
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
        "hanging-probe" => vec![with_a_probe_that_hangs(home)],
        "hangs" => vec![answering(home)],
        "now-and-then" => vec![answering_now_and_then(home)],
        "another-listener" => vec![listening(home)],
        "held" => vec![held(home)],
        "broken" => {
            let mut broken = service("broken", "");
            broken.command.program = "/nonexistent".into();
            vec![broken, service("fine", "exec sleep 1000")]
        }
        "telling" => vec![telling(home)],
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
    Some(of(services))
}

/// A service whose liveness probe never answers.
fn with_a_probe_that_hangs(home: &Path) -> ServiceSpec {
    ServiceSpec {
        liveness: Some(Liveness {
            probe: Probe::Exec(command(home, "ill", "exec sleep 1000")),
            every: Duration::from_millis(10),
            timeout: Duration::from_millis(100),
            failures: 2,
            restart_after: None,
            hung_after: None,
        }),
        ..service(home, "ill", "exec sleep 1000")
    }
}

/// A service that says when it has reached which step of its start, as LiteLLM does.
fn telling(home: &Path) -> ServiceSpec {
    ServiceSpec {
        startup: ready_by(Probe::LogLine("is up".into())),
        ..service(
            home,
            "telling",
            &format!(
                "{} >start-milestones; echo it is up; exec sleep 1000",
                python("milestones")
            ),
        )
    }
}

/// A stack of these services that writes no files.
fn of(services: Vec<ServiceSpec>) -> Stack {
    Stack {
        services,
        folders: Vec::new(),
        files: Vec::new(),
        // A service that is named as one of ours speaks as it does.
        particulars: Particulars {
            dialects: dialects(&ALL),
            ..Particulars::default()
        },
    }
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

/// What services do that a shell cannot. Its first argument says what of it.
pub(crate) const SERVICE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/runtime/service.py");

/// A command line that does what `service.py` has of this name.
fn python(what: &str) -> String {
    format!("/usr/bin/python3 -B '{SERVICE}' {what}")
}

/// Ready once it was launched.
fn service(home: &Path, of: &str, script: &str) -> ServiceSpec {
    ServiceSpec {
        startup: Startup {
            readiness: None,
            ..ready_by(Probe::Notify)
        },
        restart: RestartPolicy {
            mode: RestartMode::Always,
            base: Duration::from_millis(10),
            cap: Duration::from_millis(50),
            burst: 3,
            stable: Duration::from_secs(60),
        },
        stop: vec![StopStep::Signal {
            signal: libc::SIGTERM,
            timeout: Duration::from_secs(60),
        }],
        ..ServiceSpec::daemon(name(of), command(home, of, script))
    }
}
