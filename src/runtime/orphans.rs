//! Ends the processes that a killed daemon has left running, in the way in which a stop would have ended
//! them.
//!
//! Such processes hold ports, sockets and the database, which the next ones need, and they still have work
//! to finish. So each service is stopped by its own stop steps, and the services that others require are
//! stopped last: a service that finishes its requests can still write into the database what they cost.
//! Whatever is left then is killed.
//!
//! Nothing else runs at that time, so this blocks. Callers: the daemon before it launches anything, and
//! `stop` if there is no daemon.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    os::fd::{AsFd as _, BorrowedFd},
    path::Path,
    time::Duration,
};

use nix::{
    errno::Errno,
    libc::{SIGCONT, SIGKILL, SIGTERM},
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use supervise::{
    event::{Instance, Time},
    spec::{Command, ServiceName, ServiceSpec, StopStep},
};
use sys::pidfd::PidFd;

use super::executor::launch::{LaunchError, Surroundings, launch};
use crate::{
    causes::chain,
    clock::Clock,
    identity::{FindError, GatewayId, Handle, LaunchRecord, Owner, Signal, find},
};

/// How a service is stopped if nobody knows its stop steps.
const UNKNOWN: Signal = Signal {
    signal: SIGTERM,
    patience: Duration::from_secs(10),
};

/// How long the end of a process may take after SIGKILL. Only a process that hangs in the kernel takes
/// longer.
const GONE: Duration = Duration::from_secs(10);

/// How often it looks again: a process may have started another one just before it was killed.
const ROUNDS: usize = 5;

/// Why processes of an earlier daemon may still run.
#[derive(Debug, thiserror::Error)]
pub enum OrphansError {
    /// It cannot be found out which processes there are.
    #[error("cannot look for what an earlier daemon left running")]
    Find(#[from] FindError),
    /// The kernel refused to wait for them.
    #[error("cannot wait for what an earlier daemon left running")]
    Wait(#[source] io::Error),
    /// A process does not end although it was killed.
    #[error(
        "process {pid}, which an earlier daemon left running for {service}, does not end: \
         it hangs in the kernel, and only a reboot or the disk that it waits for ends it"
    )]
    Stuck {
        /// The number of the process.
        pid: i32,
        /// The service for which it was launched.
        service: ServiceName,
    },
}

/// Stops everything that was launched for a service of the gateway with this state folder, and returns how
/// many processes that were. `services` says how each service is stopped; for a service that is not in it,
/// the record of the killed daemon does. `tell` is called with a sentence about what is waited for.
///
/// # Errors
/// See [`OrphansError`].
pub fn end(
    state: &Path,
    services: &[ServiceSpec],
    tell: &mut dyn FnMut(&str),
) -> Result<usize, OrphansError> {
    let Some(gateway) = GatewayId::read(state).map_err(FindError::Identity)? else {
        return Ok(0);
    };
    let mut count = 0;
    for _ in 0..ROUNDS {
        let left = by_service(find(state)?);
        if left.is_empty() {
            break;
        }
        count += left.values().map(Vec::len).sum::<usize>();
        // The record says how each service is stopped. It has to be read before the processes end.
        let record = LaunchRecord::read(state, &gateway).unwrap_or_default();
        let requires = left
            .keys()
            .map(|name| (name.clone(), requires(name, services, &record)));
        let waves = waves(requires.collect());
        let mut left = left;
        for wave in waves {
            let stops = wave.into_iter().filter_map(|name| {
                let processes = left.remove(&name)?;
                tell(&describe(&name, &processes));
                let steps = steps(&name, services, &record);
                Some(Stop::new(name, processes, steps))
            });
            stop(stops.collect(), &gateway)?;
        }
    }
    Ok(count)
}

fn by_service(found: Vec<Handle>) -> BTreeMap<ServiceName, Vec<Handle>> {
    let mut services: BTreeMap<ServiceName, Vec<Handle>> = BTreeMap::new();
    for handle in found {
        match &handle.process.owner {
            Owner::Service(name) => services.entry(name.clone()).or_default().push(handle),
            // Processes of set-up are ended by the next set-up.
            Owner::SetUp => {}
        }
    }
    services
}

fn describe(service: &ServiceName, processes: &[Handle]) -> String {
    let main = processes.iter().find(|handle| handle.process.main);
    let pid = main
        .or(processes.first())
        .map_or(0, |handle| handle.process.pid);
    format!("stopping {service} (process {pid}), which an earlier daemon left running")
}

fn requires(
    service: &ServiceName,
    services: &[ServiceSpec],
    record: &LaunchRecord,
) -> BTreeSet<ServiceName> {
    let spec = services.iter().find(|spec| spec.name == *service);
    let recorded = record
        .processes
        .iter()
        .find(|process| process.service == *service);
    spec.map(|spec| &spec.requires)
        .or(recorded.map(|process| &process.requires))
        .cloned()
        .unwrap_or_default()
}

fn steps(service: &ServiceName, services: &[ServiceSpec], record: &LaunchRecord) -> Vec<StopStep> {
    let spec = services.iter().find(|spec| spec.name == *service);
    let recorded = record
        .processes
        .iter()
        .find(|process| process.service == *service);
    let of_signals = |signals: &[Signal]| {
        let step = |Signal { signal, patience }: &Signal| StopStep::Signal {
            signal: *signal,
            timeout: *patience,
        };
        signals.iter().map(step).collect()
    };
    spec.map(|spec| spec.stop.clone())
        .or(recorded.map(|process| of_signals(&process.stop)))
        .unwrap_or_else(|| of_signals(&[UNKNOWN]))
}

/// The services in groups that are stopped one after the other: each service comes before everything that
/// it requires, and services that do not depend on each other are in one group. Two records of different
/// times could form a cycle; its members are stopped together.
fn waves(mut left: BTreeMap<ServiceName, BTreeSet<ServiceName>>) -> Vec<Vec<ServiceName>> {
    let mut waves = Vec::new();
    while !left.is_empty() {
        let required: BTreeSet<_> = left.values().flatten().cloned().collect();
        let mut wave: Vec<_> = left
            .keys()
            .filter(|name| !required.contains(*name))
            .cloned()
            .collect();
        if wave.is_empty() {
            wave = left.keys().cloned().collect();
        }
        left.retain(|name, _| !wave.contains(name));
        waves.push(wave);
    }
    waves
}

/// The stop of one service.
struct Stop {
    service: ServiceName,
    processes: Vec<Handle>,
    steps: std::vec::IntoIter<StopStep>,
    /// The running command of the current step, if that is a command.
    command: Option<PidFd>,
    /// When the next step begins. After the last step: when killing the processes has taken too long.
    due: Time,
    killed: bool,
}

impl Stop {
    fn new(service: ServiceName, processes: Vec<Handle>, steps: Vec<StopStep>) -> Self {
        Self {
            service,
            processes,
            steps: steps.into_iter(),
            command: None,
            due: Time::default(),
            killed: false,
        }
    }

    /// The processes that get the signals: the main process, or all of them if it has ended.
    fn main(&self) -> impl Iterator<Item = &Handle> {
        let main = |handle: &&Handle| handle.process.main;
        let known = self.processes.iter().any(|handle| handle.process.main);
        self.processes
            .iter()
            .filter(move |handle| !known || main(handle))
    }

    /// Continues the stop: removes the processes that have ended, and takes the next step if its time has
    /// come. Returns whether any process is left.
    fn go_on(&mut self, now: Time, gateway: &GatewayId) -> Result<bool, OrphansError> {
        let had_main = self.processes.iter().any(|handle| handle.process.main);
        self.processes.retain(|handle| !has_ended(&handle.pidfd));
        if self.processes.is_empty() {
            return Ok(false);
        }
        let main_ended = had_main && !self.processes.iter().any(|handle| handle.process.main);
        let step_done = self.command.as_ref().is_some_and(has_ended);
        if main_ended && !self.killed {
            self.kill(now);
        } else if step_done || self.due <= now {
            self.command = None;
            match self.steps.next() {
                Some(step) => self.take(&step, now, gateway),
                None if !self.killed => self.kill(now),
                None => {
                    let pid = self.processes[0].process.pid;
                    let service = self.service.clone();
                    return Err(OrphansError::Stuck { pid, service });
                }
            }
        }
        Ok(true)
    }

    fn take(&mut self, step: &StopStep, now: Time, gateway: &GatewayId) {
        match step {
            StopStep::Signal { signal, timeout } => {
                self.due = now.after(*timeout);
                for handle in self.main() {
                    // The process may have ended by itself. SIGCONT follows because a stopped process gets
                    // no other signal.
                    let _gone = handle.pidfd.send_signal(*signal);
                    let _gone = handle.pidfd.send_signal(SIGCONT);
                }
            }
            StopStep::Run { command, timeout } => {
                self.due = now.after(*timeout);
                match run(command, &self.service, gateway) {
                    Ok(pidfd) => self.command = Some(pidfd),
                    Err(error) => {
                        tracing::warn!("{}: {}", self.service, chain(&error));
                        self.due = now;
                    }
                }
            }
        }
    }

    fn kill(&mut self, now: Time) {
        self.killed = true;
        self.due = now.after(GONE);
        self.steps = Vec::new().into_iter();
        for handle in &self.processes {
            let _gone = handle.pidfd.send_signal(SIGKILL);
        }
    }
}

/// Runs the command of a stop step for a service of which this daemon has launched no instance.
fn run(
    command: &Command,
    service: &ServiceName,
    gateway: &GatewayId,
) -> Result<PidFd, LaunchError> {
    let null = File::options().read(true).write(true).open("/dev/null");
    let null = null.map_err(LaunchError::Null)?;
    let instance = Instance {
        service: service.clone(),
        generation: 0,
    };
    let spawned = launch(
        command,
        &Surroundings {
            output: null.as_fd(),
            listeners: Vec::new(),
            activated: None,
            cgroup: None,
            notify: None,
            mark: &gateway.mark(&instance),
        },
    )?;
    Ok(spawned.pidfd)
}

fn has_ended(process: &PidFd) -> bool {
    let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    poll(&mut ended, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Stops these services at the same time, and returns when none of their processes is left.
fn stop(mut stops: Vec<Stop>, gateway: &GatewayId) -> Result<(), OrphansError> {
    let clock = Clock::start();
    loop {
        let mut left = Vec::new();
        for mut stop in stops {
            if stop.go_on(clock.now(), gateway)? {
                left.push(stop);
            }
        }
        stops = left;
        let Some(due) = stops.iter().map(|stop| stop.due).min() else {
            return Ok(());
        };
        let processes = stops.iter().flat_map(|stop| {
            let of_it = stop.processes.iter().map(|handle| &handle.pidfd);
            of_it.chain(&stop.command)
        });
        let fds: Vec<BorrowedFd<'_>> = processes.map(PidFd::as_fd).collect();
        wait(&fds, due.since(clock.now()))?;
    }
}

/// Waits until one of them has ended, at most this long.
fn wait(fds: &[BorrowedFd<'_>], time: Duration) -> Result<(), OrphansError> {
    let mut polled: Vec<_> = fds
        .iter()
        .map(|fd| PollFd::new(*fd, PollFlags::POLLIN))
        .collect();
    // Rounded up: if it woke up a moment too early it would only have to wait again.
    let time = time.saturating_add(Duration::from_millis(1));
    match poll(
        &mut polled,
        PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX),
    ) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(OrphansError::Wait(errno.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ServiceName {
        ServiceName::new(text).unwrap()
    }

    fn in_waves(services: &[(&str, &[&str])]) -> Vec<Vec<String>> {
        let left = services.iter().map(|(service, requires)| {
            (
                name(service),
                requires.iter().map(|text| name(text)).collect(),
            )
        });
        let waves = waves(left.collect()).into_iter();
        waves
            .map(|wave| wave.iter().map(ToString::to_string).collect())
            .collect()
    }

    #[test]
    fn what_others_require_goes_last() {
        let stack: &[(&str, &[&str])] = &[
            ("litellm", &["postgres"]),
            ("nginx", &[]),
            ("open-webui", &["postgres"]),
            ("postgres", &[]),
            ("worker", &["litellm", "absent"]),
        ];
        let waves = in_waves(stack);
        assert_eq!(
            waves,
            [
                vec!["nginx", "open-webui", "worker"],
                vec!["litellm"],
                vec!["postgres"]
            ]
        );
    }

    #[test]
    fn a_circle_ends() {
        assert_eq!(
            in_waves(&[("a", &["b"]), ("b", &["a"]), ("c", &["a"])]),
            [vec!["c"], vec!["a", "b"]]
        );
        assert_eq!(in_waves(&[]), Vec::<Vec<String>>::new());
    }
}
