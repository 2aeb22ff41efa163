//! Services that answer probes, or do not.

use std::{path::Path, time::Duration};

use supervise::spec::{Address, HttpTarget, Liveness, Probe, ServiceSpec, Startup, StopStep};

use super::{command, python, ready_by, service, sockets::own_address};

/// Answers probes, until it is stopped or told to hang.
pub(super) fn answering(home: &Path) -> ServiceSpec {
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
pub(super) fn answering_now_and_then(home: &Path) -> ServiceSpec {
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

/// One service for each kind of readiness that a shell can play.
pub(super) fn probes(home: &Path) -> Vec<ServiceSpec> {
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
