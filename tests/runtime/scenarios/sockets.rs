//! Services that listen.

use std::{env, path::Path};

use supervise::spec::{Listener, Probe, ServiceSpec, Startup};

use super::{python, ready_by, service};

/// The variable that says where a service of these tests listens.
pub(crate) const PORT: &str = "AI_GATEWAY_TEST_PORT";

/// Ready when it listens on a port, which it does once there is a file, and not before.
pub(super) fn listening(home: &Path) -> ServiceSpec {
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
pub(super) fn held(home: &Path) -> ServiceSpec {
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

pub(super) fn own_address() -> String {
    let port = env::var(PORT).expect("the test has set it");
    format!("127.0.0.1:{port}")
}
