//! A service of the user's own, as `[service.NAME]` describes it.

use std::{net::SocketAddr, path::Path, time::Duration};

use supervise::spec::{
    Address, Command, Handover, HttpTarget, Liveness, Probe, Reload, ReloadAction, RestartPolicy,
    ServiceKind, ServiceSpec, Startup, StopStep, Task,
};

use super::{
    part::{Inputs, ServicePlan},
    process::{always, environment, secret},
};
use crate::config::settings::{CustomKind, CustomProbe, CustomReload, CustomService};

/// Longer than this, a reload has failed.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn plan(inputs: &Inputs, service: &CustomService) -> ServicePlan {
    let cwd = inputs.paths.service(&service.name);
    let command = |words: &[String]| command(words, &cwd, service);
    let readiness = service.probe.as_ref().map(|probe| match probe {
        CustomProbe::Http(url) => Probe::Http(target(url)),
        CustomProbe::Tcp(address) => Probe::Tcp(address.clone()),
        CustomProbe::Exec(words) => Probe::Exec(command(words)),
        CustomProbe::Notify => Probe::Notify,
        CustomProbe::Log(text) => Probe::LogLine(text.clone()),
    });
    let kind = kind(&service.kind);
    // A probe that was written to tell "started" may be too strict or too dear to be asked for ever; the
    // exit is watched. What somebody else runs has none that we could see.
    let liveness = readiness.clone().filter(|_| kind == ServiceKind::External);
    let liveness = liveness.map(liveness_of_others);
    let reload = service.reload.as_ref().map(|reload| Reload {
        check: None,
        action: match reload {
            CustomReload::Signal(signal) => ReloadAction::Signal(*signal),
            CustomReload::Run(words) => ReloadAction::Run(command(words)),
        },
        timeout: RELOAD_TIMEOUT,
    });
    let spec = ServiceSpec {
        kind,
        listeners: service.listen.clone(),
        handover: Handover::Systemd,
        requires: service.requires.iter().cloned().collect(),
        startup: Startup {
            deadline: service.start_timeout,
            readiness,
            listens: service
                .probe
                .as_ref()
                .filter(|_| service.kind != CustomKind::External)
                .and_then(listens)
                .filter(|at| !service.listen.iter().any(|held| held.takes(*at))),
            every: Duration::from_millis(250),
            timeout: Duration::from_secs(5),
            post_start: None,
        },
        liveness,
        restart: RestartPolicy {
            mode: service.restart,
            ..always(Duration::from_secs(60))
        },
        success_exit: service.success_exit.clone(),
        reload,
        stop: vec![StopStep::Signal {
            signal: 15,
            timeout: service.stop_timeout,
        }],
        limits: inputs.limits(&service.name),
        recycle: inputs.recycle().filter(|_| service.recycle),
        ..ServiceSpec::daemon(service.name.clone(), command(&service.command))
    };
    ServicePlan {
        spec,
        folders: vec![],
        files: vec![],
        pid_files: vec![],
    }
}

fn kind(kind: &CustomKind) -> ServiceKind {
    match *kind {
        CustomKind::Daemon => ServiceKind::Daemon,
        CustomKind::Task { deadline, schedule } => ServiceKind::Task(Task { deadline, schedule }),
        CustomKind::External => ServiceKind::External,
    }
}

fn command(words: &[String], cwd: &Path, service: &CustomService) -> Command {
    let mut env = environment(cwd, &[]);
    // Any of them may be a secret: nobody but the service needs to see it.
    env.extend(
        service
            .environment
            .iter()
            .map(|(key, value)| secret(key, value)),
    );
    let (program, args) = words
        .split_first()
        .map_or((String::new(), vec![]), |(first, rest)| {
            (first.clone(), rest.to_vec())
        });
    Command {
        program: program.into(),
        args,
        env,
        cwd: cwd.to_owned(),
    }
}

/// What somebody else runs is asked for as long as it is wanted.
const fn liveness_of_others(probe: Probe) -> Liveness {
    Liveness {
        probe,
        every: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        failures: 2,
        restart_after: None,
        hung_after: None,
    }
}

/// Where on this machine the service has to listen for its probe to be about itself. `None` if the
/// probe asks no address, or one that need not be this machine's.
fn listens(probe: &CustomProbe) -> Option<SocketAddr> {
    let at = match probe {
        CustomProbe::Tcp(at) => at.clone(),
        CustomProbe::Http(url) => match target(url).at {
            Address::Tcp(at) => at,
            Address::Unix(_) => return None,
        },
        CustomProbe::Exec(_) | CustomProbe::Notify | CustomProbe::Log(_) => return None,
    };
    let at = at.strip_prefix("localhost").map_or(at.clone(), |rest| {
        // Without a port HTTP's own is meant.
        format!("127.0.0.1{}", if rest.is_empty() { ":80" } else { rest })
    });
    let address: SocketAddr = at.parse().ok()?;
    address.ip().is_loopback().then_some(address)
}

/// Of `http://host:port/path`, which configuration has checked.
fn target(url: &str) -> HttpTarget {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (at, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    HttpTarget {
        at: Address::Tcp(at.to_owned()),
        path: if path.is_empty() { "/" } else { path }.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_probed_on_this_machine_has_to_listen_itself() {
        let tcp = |at: &str| listens(&CustomProbe::Tcp(at.into()));
        let http = |url: &str| listens(&CustomProbe::Http(url.into()));
        let local = |at: &str| Some(at.parse().unwrap());
        assert_eq!(tcp("127.0.0.1:8025"), local("127.0.0.1:8025"));
        assert_eq!(tcp("[::1]:8025"), local("[::1]:8025"));
        assert_eq!(http("http://localhost:81/a"), local("127.0.0.1:81"));
        assert_eq!(http("http://localhost/"), local("127.0.0.1:80"));
        assert_eq!(tcp("192.0.2.1:80"), None);
        assert_eq!(tcp("localhost.example:80"), None);
        assert_eq!(listens(&CustomProbe::Notify), None);
    }

    #[test]
    fn an_address_is_taken_apart() {
        let of = |url| {
            let HttpTarget { at, path } = target(url);
            (at, path)
        };
        let at = |text: &str| Address::Tcp(text.to_owned());
        assert_eq!(
            of("http://localhost:1/a?b"),
            (at("localhost:1"), "/a?b".into())
        );
        assert_eq!(of("http://[::1]:80"), (at("[::1]:80"), "/".into()));
    }
}
