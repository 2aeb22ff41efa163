//! Services that answer probes, or do not.

use std::{path::Path, time::Duration};

use supervise::spec::{Address, HttpTarget, Liveness, Probe, ServiceSpec, Startup, StopStep};

use super::{command, ready_by, service, sockets::own_address};

/// Answers probes, until it is stopped or told to hang.
pub(super) fn answering(home: &Path) -> ServiceSpec {
    let answer = "
        self.send_response(200)
        self.end_headers()";
    let (script, probe) = server(answer);
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
    let answer = "
        Handler.asked += 1
        if Handler.asked < 7 and Handler.asked % 2:
            threading.Event().wait()
        self.send_response(200 if Handler.asked < 7 else 500)
        self.end_headers()";
    let (script, probe) = server(answer);
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

/// A server that does this when it is asked, and a probe that asks it.
fn server(answer: &str) -> (String, Probe) {
    let at = own_address();
    let (_, port) = at.split_once(':').expect("it has a port");
    let script = format!(
        "exec /usr/bin/python3 -c \"
import http.server, signal, threading
class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):{answer}
    def log_message(self, *what):
        pass
signal.signal(signal.SIGUSR1, lambda *_: threading.Event().wait())
http.server.ThreadingHTTPServer(('127.0.0.1', {port}), Handler).serve_forever()
\""
    );
    let probe = Probe::Http(HttpTarget {
        at: Address::Tcp(at),
        path: "/".to_owned(),
    });
    (script, probe)
}

/// One service for each kind of readiness that a shell can play.
pub(super) fn probes(home: &Path) -> Vec<ServiceSpec> {
    let socket = "import os, socket; \
                  s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); \
                  s.sendto(b'STATUS=soon', os.environ['NOTIFY_SOCKET']); \
                  s.sendto(b'STATUS=done\\nREADY=1\\n', os.environ['NOTIFY_SOCKET'])";
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
                &format!("/usr/bin/python3 -c \"{socket}\"; exec sleep 1000"),
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
