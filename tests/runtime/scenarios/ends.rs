//! Services whose processes leave them, and services that say how they are stopped.

use std::{path::Path, time::Duration};

use supervise::spec::{Probe, ServiceSpec, StopStep};

use super::{command, ready_by, service};
use crate::gateway::name;

/// Has a shell write its number to a file, as a whole.
pub(super) fn writes_pid(home: &Path, file: &str) -> String {
    let file = home.join(file).display().to_string();
    format!("echo $$ >{file}.new && mv {file}.new {file} &&")
}

/// A service whose command leaves it in every way that there is.
pub(super) fn forks(home: &Path) -> Vec<ServiceSpec> {
    let leave = |file: &str| format!("{} cd / && exec sleep 1000", writes_pid(home, file));
    let (twice, again, traceless) = (leave("twice"), leave("session"), leave("traceless"));
    let script = format!(
        "(setsid sh -c '(setsid sh -c \"{}\" &) &') & setsid -f sh -c '{again}'; \
         env -i PATH=/bin:/usr/bin setsid -f sh -c '{traceless}'; exec sleep 2000",
        twice.replace('$', "\\$")
    );
    vec![service(home, "forks", &script)]
}

/// A service that another one needs, and says in a file how both are stopped.
pub(super) fn ordered(home: &Path) -> Vec<ServiceSpec> {
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
