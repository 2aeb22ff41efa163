//! A service of the user's own, as `[service.NAME]` describes it.

use std::time::Duration;

use supervise::spec::{
    Address, Command, HttpTarget, Probe, RestartPolicy, ServiceSpec, Startup, StopStep,
};

use super::{Inputs, Part, always, environment, secret};
use crate::config::settings::{CustomProbe, CustomService};

pub(super) fn plan(inputs: &Inputs, service: &CustomService) -> Part {
    let cwd = inputs.paths.service(&service.name);
    let command = |words: &[String]| {
        let mut env = environment(&cwd, &[]);
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
            cwd: cwd.clone(),
        }
    };
    let readiness = service.probe.as_ref().map(|probe| match probe {
        CustomProbe::Http(url) => Probe::Http(target(url)),
        CustomProbe::Tcp(address) => Probe::Tcp(address.clone()),
        CustomProbe::Exec(words) => Probe::Exec(command(words)),
        CustomProbe::Notify => Probe::Notify,
        CustomProbe::Log(text) => Probe::LogLine(text.clone()),
    });
    let spec = ServiceSpec {
        name: service.name.clone(),
        command: command(&service.command),
        requires: service.requires.iter().cloned().collect(),
        restart_with_requirements: false,
        startup: Startup {
            deadline: service.start_timeout,
            readiness,
            listens: None,
            every: Duration::from_millis(250),
            timeout: Duration::from_secs(5),
            post_start: None,
        },
        // A probe that was written to tell "started" may be too strict or too dear to be asked for
        // ever; the exit is watched.
        liveness: None,
        restart: RestartPolicy {
            mode: service.restart,
            ..always(Duration::from_secs(60))
        },
        stop: vec![StopStep::Signal {
            signal: 15,
            timeout: service.stop_timeout,
        }],
        limits: inputs.limits(&service.name),
        recycle: inputs.recycle().filter(|_| service.recycle),
    };
    Part {
        spec,
        folders: vec![],
        files: vec![],
    }
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
