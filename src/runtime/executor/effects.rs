//! Carries out effects. Nothing here decides anything.

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use nix::libc::pid_t;
use supervise::{
    effect::Effect,
    event::{Event, Instance, Phase, Verdict},
    machine::Machine,
    spec::{Command, Probe, Reload, ReloadAction, Schedule, ServiceName, ServiceSpec, StopStep},
};
use sys::{cgroup::CgroupError, journal::JournalError, pidfd::PidFd, proc, readiness};
use tokio::{
    net::UnixDatagram,
    sync::{Mutex, oneshot},
    time::timeout,
};

use super::{
    Executor, Input,
    instances::{Role, Running},
    launch::{LaunchError, Surroundings, launch},
    limits::usage,
};
use crate::{
    causes::chain,
    clock,
    identity::PidFile,
    logs::Reader,
    probe,
    runtime::{files, listeners::ListenError},
};

/// Why a process could not be started.
#[derive(Debug, thiserror::Error)]
enum BeginError {
    /// The specification of the service is not known.
    #[error("the service is unknown")]
    Unknown,
    /// The command belongs to an instance that has ended.
    #[error("the service does not run any more")]
    Over,
    /// A listening socket of the service cannot be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The cgroup of the service cannot be prepared.
    #[error(transparent)]
    Group(#[from] CgroupError),
    /// The stream to the journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The process could not be launched.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A file, a pipe or a process handle could not be opened.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Executor {
    /// Carries out one effect and returns the events that it causes at once. `specs` has the specification
    /// of every service.
    pub(in crate::runtime) fn act(&mut self, effect: Effect, specs: &Machine) -> Option<Event> {
        let spec = |instance: &Instance| specs.spec(&instance.service);
        match effect {
            Effect::Launch(instance) => Some(match self.launch(&instance, spec(&instance)) {
                Ok(()) => Event::Launched(instance),
                Err(error) => Event::LaunchFailed {
                    error: chain(&error),
                    instance,
                },
            }),
            Effect::Probe { instance, phase } => {
                let spec = spec(&instance)?;
                self.probe(instance, phase, spec)
            }
            Effect::Measure(instance) => Some(Event::Measured {
                usage: self.instances.get(&instance).and_then(usage),
                minute: clock::minute_of_day(),
                instance,
            }),
            Effect::PostStart(instance) => {
                let command = spec(&instance)?.startup.post_start.as_ref()?;
                let begun = self.command(&instance, Role::PostStart, command, None);
                let failed = begun.err()?;
                Some(Event::PostStarted {
                    instance,
                    result: Err(chain(&failed)),
                })
            }
            Effect::CheckFiles(instance) => {
                let reload = spec(&instance).and_then(|spec| spec.reload.as_ref());
                self.check_files(instance, reload)
            }
            Effect::Reload(instance) => {
                let reload = spec(&instance).and_then(|spec| spec.reload.as_ref());
                self.reload(instance, reload)
            }
            Effect::Limit(instance) => {
                let limits = &spec(&instance)?.limits;
                self.limit(instance, limits)
            }
            Effect::Schedule(instance) => {
                let schedule = spec(&instance)?.schedule()?;
                Some(self.schedule(instance, schedule))
            }
            Effect::StopStep { instance, step } => {
                let next = spec(&instance)?.stop.get(step)?;
                self.stop_step(instance, step, next)
            }
            Effect::KillAll(instance) => {
                if let Some(running) = self.instances.get_mut(&instance) {
                    running.abort_tasks();
                    running.clearing = true;
                }
                self.emptied(&instance)
            }
            // These are for the publisher, which the daemon tells of them.
            Effect::Changed(_) | Effect::Told(..) | Effect::ShutdownComplete => None,
        }
    }

    fn launch(
        &mut self,
        instance: &Instance,
        spec: Option<&ServiceSpec>,
    ) -> Result<(), BeginError> {
        let spec = spec.ok_or(BeginError::Unknown)?;
        let of_it = |(of, _): &&(ServiceName, PidFile)| *of == spec.name;
        for (_, file) in self.particulars.pid_files.iter().filter(of_it) {
            if file.remove_if_stale()? {
                let path = file.path.display();
                tracing::warn!(
                    "removed {path}: it names a process that is not {}",
                    file.program
                );
            }
        }
        self.listeners.open(spec)?;
        let group = self.groups.prepare(&spec.name, &spec.limits)?;
        let (output, line) = self.output_of(spec)?;
        let notify = match &spec.startup.readiness {
            Some(Probe::Notify) => Some(self.notify_socket(spec)?),
            _ => None,
        };
        let spawned = launch(
            &spec.command,
            &Surroundings {
                output: output.as_fd(),
                listeners: self.listeners.of(spec),
                activated: spec.is_activated().then_some(&spec.name),
                cgroup: group.as_ref().map(AsFd::as_fd),
                notify: notify.as_ref().map(|(_, path)| path.as_path()),
                mark: &self.launched.mark(instance),
            },
        )?;
        let cgroup = self.groups.path(&spec.name);
        let started = self.launched.begin(spec, spawned.pid, cgroup);
        self.instances.begin(Running {
            instance: instance.clone(),
            leader: spawned.pid,
            started,
            cwd: spec.command.cwd.clone(),
            kills_before: Running::kills(group.as_ref()),
            group,
            output,
            notify: notify.map(|(socket, _)| socket),
            line,
            tasks: Vec::new(),
            silence: None,
            clearing: false,
        });
        let pid = spawned.pid;
        let handle = self.instances.adopt(spawned, instance, Role::Main)?;
        self.tasks.spawn(wait(handle, pid, None));
        Ok(())
    }

    /// The output of a service: the journal's stream, or a pipe where the gateway has to read the lines.
    fn output_of(&mut self, spec: &ServiceSpec) -> Result<ForOutput, BeginError> {
        let wanted = match &spec.startup.readiness {
            Some(Probe::LogLine(text)) => Some(text),
            _ => None,
        };
        let dialect = self.particulars.dialects.get(&spec.name).copied();
        if wanted.is_none()
            && dialect.is_none()
            && let Some(stream) = self.output.stream(&spec.name)?
        {
            return Ok((stream, None));
        }
        let sink = match self.sinks.get(&spec.name) {
            Some(sink) => sink.clone(),
            None => {
                let sink = Arc::new(Mutex::new(self.output.sink(&spec.name, dialect)?));
                self.sinks.insert(spec.name.clone(), sink.clone());
                sink
            }
        };
        let (mut reader, end) = Reader::pipe(sink)?;
        let line = wanted.map(|text| reader.wait_for(text));
        self.readers.spawn(reader.run());
        Ok((end, line))
    }

    /// A notification socket for this instance alone, so that a late message of an earlier instance is not
    /// taken for one of this instance.
    fn notify_socket(&self, spec: &ServiceSpec) -> io::Result<(UnixDatagram, PathBuf)> {
        let folder = self.paths.run.join("notify");
        files::make_folder(&folder)?;
        let path = folder.join(spec.name.as_str());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        Ok((UnixDatagram::bind(&path)?, path))
    }

    fn probe(&mut self, instance: Instance, phase: Phase, spec: &ServiceSpec) -> Option<Event> {
        let (probe, limit) = match phase {
            Phase::Readiness => (spec.startup.readiness.clone()?, spec.startup.timeout),
            Phase::Liveness => {
                let liveness = spec.liveness.as_ref()?;
                (liveness.probe.clone(), liveness.timeout)
            }
        };
        let pass = move |instance| Event::Probed {
            instance,
            phase,
            verdict: Verdict::Pass,
        };
        let task = match probe {
            Probe::Exec(command) => {
                let role = Role::Probe(phase);
                let failed = self.command(&instance, role, &command, Some(limit)).err()?;
                return Some(Event::Probed {
                    instance,
                    phase,
                    verdict: Verdict::Fail(chain(&failed)),
                });
            }
            Probe::Notify => {
                let socket = self.instances.get_mut(&instance)?.notify.take()?;
                let instance = instance.clone();
                self.tasks.spawn(async move {
                    until_ready(&socket).await.ok()?;
                    Some(Input::Happened(pass(instance)))
                })
            }
            Probe::LogLine(_) => {
                let line = self.instances.get_mut(&instance)?.line.take()?;
                let instance = instance.clone();
                self.tasks.spawn(async move {
                    line.await.ok()?;
                    Some(Input::Happened(pass(instance)))
                })
            }
            probe @ (Probe::Http(_) | Probe::Tcp(_) | Probe::Postgres { .. }) => {
                let instance = instance.clone();
                self.tasks.spawn(async move {
                    let Ok(verdict) = timeout(limit, probe::ask(&probe)).await else {
                        return Some(Input::Silent(instance, phase, limit));
                    };
                    Some(Input::Happened(Event::Probed {
                        instance,
                        phase,
                        verdict: verdict?,
                    }))
                })
            }
        };
        // An external service has no instance here: its probe is ended by its time-out alone.
        let tasks = &mut self.instances.get_mut(&instance)?.tasks;
        // Nothing is kept of probes that have ended.
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
        None
    }

    /// Checks the files of an instance by its own command.
    fn check_files(&mut self, instance: Instance, reload: Option<&Reload>) -> Option<Event> {
        let check = reload.and_then(|reload| reload.check.as_ref().map(|check| (check, reload)));
        let result = match check {
            Some((check, reload)) => {
                let limit = Some(reload.timeout);
                let begun = self.command(&instance, Role::CheckFiles, check, limit);
                Err(chain(&begun.err()?))
            }
            // There is no check any more, so the files count as valid.
            None => Ok(()),
        };
        Some(Event::FilesChecked { instance, result })
    }

    /// Makes an instance read its files, which have passed their check.
    fn reload(&mut self, instance: Instance, reload: Option<&Reload>) -> Option<Event> {
        let result = match reload.map(|reload| (&reload.action, reload.timeout)) {
            Some((ReloadAction::Signal(signal), _)) => self.signal_to_reload(&instance, *signal),
            Some((ReloadAction::Run(command), limit)) => {
                let begun = self.command(&instance, Role::Reload, command, Some(limit));
                Err(chain(&begun.err()?))
            }
            None => Err("nothing makes it read its files any more".to_owned()),
        };
        Some(Event::Reloaded { instance, result })
    }

    fn signal_to_reload(&self, instance: &Instance, signal: i32) -> Result<(), String> {
        let main = self.instances.main(instance);
        let main = main.ok_or("it does not run any more")?;
        let sent = main.pidfd.send_signal(signal);
        sent.map_err(|error| format!("cannot send it signal {signal}: {error}"))
    }

    /// When a task runs next. If somebody sets the clock before that time, the new date counts only from the
    /// run after it on.
    fn schedule(&self, instance: Instance, schedule: Schedule) -> Event {
        let wait = match schedule {
            Schedule::Every(every) => every,
            Schedule::Daily { minute } => clock::until_minute(minute),
        };
        let at = self.clock.now().after(wait);
        Event::Due { instance, at }
    }

    fn stop_step(&mut self, instance: Instance, step: usize, next: &StopStep) -> Option<Event> {
        match next {
            StopStep::Signal { signal, .. } => {
                if let Some(main) = self.instances.main(&instance)
                    && let Err(error) = main.pidfd.send_signal(*signal)
                {
                    let service = &instance.service;
                    tracing::warn!(%error, "cannot send signal {signal} to {service}");
                }
                if let Some(running) = self.instances.get(&instance) {
                    self.wake(running);
                }
                None
            }
            StopStep::Run { command, .. } => {
                let failed = self
                    .command(&instance, Role::StopStep(step), command, None)
                    .err()?;
                tracing::warn!("{}: {}", instance.service, chain(&failed));
                Some(Event::StopStepDone { instance, step })
            }
        }
    }

    /// Sends SIGCONT to the stopped processes of an instance, because a stopped process handles no other
    /// signal.
    fn wake(&self, running: &Running) {
        for process in self.processes(running) {
            if process.stopped
                && let Ok(handle) = PidFd::open(process.pid)
                && proc::stat(process.pid).is_ok_and(|stat| stat.started == process.started)
            {
                // The process may have ended meanwhile.
                let _gone = handle.send_signal(nix::libc::SIGCONT);
            }
        }
    }

    /// Runs another command of a service, in the cgroup of its main process.
    fn command(
        &mut self,
        instance: &Instance,
        role: Role,
        command: &Command,
        limit: Option<Duration>,
    ) -> Result<(), BeginError> {
        let running = self.instances.get(instance).ok_or(BeginError::Over)?;
        let spawned = launch(
            command,
            &Surroundings {
                output: running.output.as_fd(),
                listeners: Vec::new(),
                activated: None,
                cgroup: running.group.as_ref().map(AsFd::as_fd),
                notify: None,
                mark: &self.launched.mark(instance),
            },
        )?;
        let pid = spawned.pid;
        let handle = self.instances.adopt(spawned, instance, role)?;
        self.tasks.spawn(wait(handle, pid, limit));
        Ok(())
    }

    /// Kills what is left of an instance that is to end completely, and returns an event when nothing is
    /// left.
    pub(super) fn emptied(&mut self, instance: &Instance) -> Option<Event> {
        let Some(running) = self.instances.get(instance) else {
            return Some(Event::Emptied(instance.clone()));
        };
        if !running.clearing {
            return None;
        }
        // The notification is armed before the check, so that no change in between is missed.
        let watch = running.group.as_ref().and_then(|group| {
            let watch = group.watch_events().ok()?;
            watch.read("populated").ok()?;
            Some(watch)
        });
        if self.instances.kill(running) {
            self.instances.end(instance);
            self.launched.end(instance);
            return Some(Event::Emptied(instance.clone()));
        }
        if let Some(watch) = watch {
            let instance = instance.clone();
            self.tasks.spawn(async move {
                readiness::exceptional(watch.into()).await.ok()?;
                Some(Input::MaybeEmpty(instance))
            });
        }
        None
    }
}

/// Where the output of a service goes, and a future for the line that makes it ready.
type ForOutput = (OwnedFd, Option<oneshot::Receiver<()>>);

/// Waits until the child has ended or has taken too long.
async fn wait(handle: OwnedFd, pid: pid_t, limit: Option<Duration>) -> Option<Input> {
    let ended = readiness::readable(handle);
    match limit {
        None => ended.await.ok()?,
        Some(limit) => match timeout(limit, ended).await {
            Ok(ended) => ended.ok()?,
            Err(_) => return Some(Input::Late(pid)),
        },
    }
    Some(Input::Ended(pid))
}

/// Waits until the service says that it is ready (sd_notify(3): lines of `NAME=value`).
async fn until_ready(socket: &UnixDatagram) -> io::Result<()> {
    let mut message = [0; 4096];
    loop {
        let length = socket.recv(&mut message).await?;
        if message[..length]
            .split(|&b| b == b'\n')
            .any(|line| line == b"READY=1")
        {
            return Ok(());
        }
    }
}

pub(super) fn no_answer(limit: Duration) -> String {
    format!("no answer within {}", humantime::format_duration(limit))
}
