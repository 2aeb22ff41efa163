//! The loop and what it owns.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::Arc,
};

use nix::{libc::pid_t, unistd::geteuid};
use supervise::{
    effect::{Effect, StateName},
    event::{Event, Instance, Phase, Request, Target, Time},
    machine::Machine,
    spec::ServiceName,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Mutex, mpsc, oneshot, watch},
    task::JoinSet,
    time::{Duration, sleep_until, timeout},
};

use super::{
    DaemonLock, Options, Planned, Replan, RunError, clock,
    clock::Clock,
    files,
    groups::Groups,
    instances::Instances,
    launch::{open_files, raise_open_files},
    launched::Launched,
    listeners::Listeners,
    orphans,
    reload::{Read, Reloads, Wish},
    report,
    starts::Starts,
    waiters::{Goal, Progress, Waiters},
};
use crate::{
    config::paths::Paths,
    control::{
        server,
        types::{Ask, Handle, Moment, Refusal},
    },
    identity::GatewayId,
    logs::{Output, Sink, messages},
    systemd::notify::{Manager, View},
};

/// Calls that wait for the loop. It answers in microseconds; more than these come only from a
/// caller who has gone wild, and wait at the socket.
const CALLS: usize = 16;

/// For the last lines of services that have ended.
const LAST_LINES: Duration = Duration::from_secs(2);

/// What a task brings back.
#[derive(Debug)]
pub(super) enum Input {
    /// Something for the machine.
    Happened(Event),
    /// A child has ended, and waits to be reaped.
    Ended(pid_t),
    /// A command takes too long.
    Late(pid_t),
    /// A probe had no answer within this limit.
    Silent(Instance, Phase, Duration),
    /// The configuration was read again, or cannot be.
    Read(Box<Result<Read, Refusal>>),
    /// Perhaps the last process of an instance that is being emptied is gone.
    MaybeEmpty(Instance),
}

/// The daemon.
pub(super) struct Daemon {
    pub(super) machine: Machine,
    pub(super) clock: Clock,
    pub(super) paths: Paths,
    pub(super) planned: Planned,
    pub(super) groups: Groups,
    pub(super) output: Output,
    pub(super) sinks: BTreeMap<ServiceName, Arc<Mutex<Sink>>>,
    pub(super) instances: Instances,
    pub(super) launched: Launched,
    pub(super) listeners: Listeners,
    /// One task for each thing that is waited for; its result is an input.
    pub(super) tasks: JoinSet<Option<Input>>,
    /// The readers of pipes. They end by themselves when nobody holds the other end.
    pub(super) readers: JoinSet<()>,
    pub(super) waiters: Waiters,
    pub(super) history: BTreeMap<ServiceName, VecDeque<Moment>>,
    pub(super) changes: watch::Sender<u64>,
    pub(super) manager: Manager,
    /// Whether there are changes that nobody was told yet.
    pub(super) changed: bool,
    /// Whether something may be new to the manager.
    pub(super) untold: bool,
    /// Why the last reload was refused, until one succeeds.
    pub(super) refused: Option<String>,
    /// Reloads that are under way.
    pub(super) reloads: Vec<Goal>,
    /// Those for which the configuration is still to be read.
    pub(super) rereads: Reloads,
    /// Whether everything was ready once.
    pub(super) was_ready: bool,
    /// The last start of everything.
    pub(super) starts: Starts,
    /// How often a person or systemd has asked for the end.
    pub(super) asked_to_end: u32,
    pub(super) complete: bool,
    pub(super) replan: Replan,
}

/// Runs the gateway until somebody asks it to end, and everything is down.
///
/// # Errors
/// Says why it could not begin. Once it has begun, what goes wrong with a service is the
/// machine's to deal with.
pub fn run(options: Options) -> Result<(), RunError> {
    let kernel = |what| move |source| RunError::Kernel { what, source };
    let state = &options.paths.state;
    let lock = DaemonLock::take(state)?;
    sys::subreaper::become_subreaper().map_err(kernel("become the parent of orphans"))?;
    let services = &options.planned.stack.services;
    orphans::end(state, services, &mut |what| tracing::warn!("{what}"))?;
    let gateway = GatewayId::of(state).map_err(kernel("give the gateway an identity"))?;
    let launched =
        Launched::nothing(gateway, state.clone()).map_err(kernel("write down what is launched"))?;
    files::write(&options.planned.stack)?;
    raise_open_files().map_err(|error| kernel("allow itself more open files")(error.into()))?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::ZERO)
        .build()
        .map_err(kernel("prepare to wait for events"))?
        .block_on(serve(options, lock, launched))
}

async fn serve(options: Options, lock: DaemonLock, launched: Launched) -> Result<(), RunError> {
    let socket = options.paths.control_socket();
    let listener = server::bind(&socket)?;
    lock.listens()?;
    let mut signals = Signals::listen().map_err(|source| RunError::Kernel {
        what: "listen for signals",
        source,
    })?;
    let (asks, mut calls) = mpsc::channel(CALLS);
    let (changes, changed) = watch::channel(0);
    let (end, ended) = oneshot::channel::<()>();
    let handle = Handle {
        asks,
        changes: changed,
    };
    let control = tokio::spawn(server::serve(listener, handle, geteuid(), async move {
        // Dropping the sender says it as well.
        let _ended = ended.await;
    }));
    let mut daemon = Daemon::new(options, changes, launched)?;
    daemon.begin();
    daemon.turn(&mut signals, &mut calls).await;
    daemon.end().await;
    // Whoever waits for our end may start the next daemon as soon as its connection closes, so the
    // lock goes first; and nobody answers calls any more, which those who made them have to know.
    // Before it, while the name is still ours to remove.
    let _gone = std::fs::remove_file(&socket);
    drop(lock);
    drop(calls);
    drop(end);
    // It lets the last answers out, and ends within a second.
    let _done = control.await;
    Ok(())
}

struct Signals {
    child: Signal,
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }
}

impl Daemon {
    fn new(
        options: Options,
        changes: watch::Sender<u64>,
        launched: Launched,
    ) -> Result<Self, RunError> {
        let Options {
            paths,
            output,
            planned,
            replan,
        } = options;
        let clock = Clock::start();
        Ok(Self {
            machine: Machine::new(planned.stack.services.clone(), clock::seed())?,
            clock,
            paths,
            planned,
            groups: Groups::take(),
            output,
            sinks: BTreeMap::new(),
            instances: Instances::new(launched.gateway().clone()),
            launched,
            listeners: Listeners::default(),
            tasks: JoinSet::new(),
            readers: JoinSet::new(),
            waiters: Waiters::default(),
            history: BTreeMap::new(),
            changes,
            manager: Manager::of_process(clock.now()),
            changed: false,
            untold: true,
            refused: None,
            reloads: Vec::new(),
            rereads: Reloads::default(),
            was_ready: false,
            starts: Starts::begin(clock.now()),
            asked_to_end: 0,
            complete: false,
            replan,
        })
    }

    fn begin(&mut self) {
        tracing::info!(
            message_id = messages::GATEWAY_STARTING.id,
            "ai-gateway {} starts {} services with profile {}",
            env!("CARGO_PKG_VERSION"),
            self.planned.stack.services.len(),
            self.planned.profile
        );
        if let Some(reason) = self.groups.state().reason {
            tracing::warn!(
                message_id = messages::LIMITS_NOT_ENFORCED.id,
                "limits are not enforced: {reason}"
            );
        }
        if let Some(lack) = open_files().and_then(|(_, hard)| crate::open_files::lack(hard)) {
            tracing::warn!("{lack}");
        }
        self.feed([Event::Request(Request::Start(Target::All))]);
    }

    /// One input after the other, until everything is down for good.
    async fn turn(&mut self, signals: &mut Signals, calls: &mut mpsc::Receiver<Ask>) {
        while !self.complete {
            if self.untold {
                self.tell_manager();
            }
            let due = self.machine.next_deadline();
            let clock = self.clock;
            let at = async move |time: Option<Time>| match time {
                Some(time) => sleep_until(clock.instant(time)).await,
                None => std::future::pending().await,
            };
            let (alarm, beat) = (at(due), at(self.manager.next()));
            // Every arm is cancel-safe: each waits for a readiness that stays until it is taken.
            tokio::select! {
                biased;
                Some(done) = self.tasks.join_next() => {
                    if let Ok(Some(input)) = done {
                        self.take_in(input);
                    }
                }
                Some(()) = signals.child.recv() => self.reap(),
                Some(ask) = calls.recv() => self.answer(ask),
                Some(()) = signals.terminate.recv() => self.asked_to_end(),
                Some(()) = signals.interrupt.recv() => self.asked_to_end(),
                Some(()) = signals.hang_up.recv() => self.hung_up(),
                () = alarm => self.feed([Event::Deadline]),
                () = beat => self.untold = true,
                Some(_ended) = self.readers.join_next() => {}
            }
        }
    }

    fn take_in(&mut self, input: Input) {
        match input {
            Input::Happened(event) => {
                self.heard(&event);
                self.feed([self.unless_of_another(event)]);
            }
            Input::Silent(instance, phase, limit) => {
                let event = self.silent(instance, phase, limit);
                self.feed([event]);
            }
            Input::Ended(pid) => {
                self.ended(pid);
                self.look_at_clearing();
            }
            Input::Late(pid) => self.late(pid),
            Input::Read(read) => self.read_again(*read),
            Input::MaybeEmpty(instance) => {
                if let Some(event) = self.emptied(&instance) {
                    self.feed([event]);
                }
            }
        }
    }

    /// Event, effects, what they answer at once, and so on until nothing more follows; then those
    /// who wait.
    pub(super) fn feed(&mut self, events: impl Into<VecDeque<Event>>) {
        self.carry_out(Vec::new(), events.into());
    }

    /// The same after effects that no event has brought: those of new specifications.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, mut events: VecDeque<Event>) {
        self.untold = true;
        let answers = self.act_all(effects);
        // What is done already comes before what is asked for.
        answers
            .into_iter()
            .rev()
            .for_each(|event| events.push_front(event));
        while let Some(event) = events.pop_front() {
            report::heard(&event);
            let effects = self.machine.handle(event, self.clock.now());
            events.extend(self.act_all(effects));
        }
        report::told(self);
        if !self.waiters.is_empty() {
            let status: Vec<_> = self.machine.status().collect();
            self.waiters.settle(&status);
        }
    }

    fn act_all(&mut self, effects: Vec<Effect>) -> Vec<Event> {
        self.keep_listeners(&effects);
        let answers = effects.into_iter().filter_map(|effect| self.act(effect));
        answers.collect()
    }

    /// Before the effects of what may have changed who is expected to run: a restart passes through
    /// *stopped*, and is no reason to close anything.
    fn keep_listeners(&mut self, effects: &[Effect]) {
        let changed = |effect: &Effect| matches!(effect, Effect::Changed(_));
        if !effects.iter().any(changed) {
            return;
        }
        for spec in self.machine.specs() {
            if spec.listeners.is_empty() {
                continue;
            }
            if self.machine.expects(&spec.name) {
                self.listeners.hold(spec);
            } else {
                self.listeners.close(&spec.name);
            }
        }
        let known = |service: &ServiceName| self.machine.spec(service).is_some();
        self.listeners.close_unless(known);
    }

    /// What systemd wants to know, if it listens.
    fn tell_manager(&mut self) {
        self.untold = false;
        if !self.manager.listens() {
            return;
        }
        let services: Vec<_> = self.machine.status().collect();
        let view = View {
            services: &services,
            patience: self.machine.patience(),
            now: self.clock.now(),
        };
        if self.asked_to_end > 0 {
            return self.manager.tell(|herald| herald.stopping(view));
        }
        let reloading = !self.reloads.is_empty();
        self.reloads
            .retain(|goal| goal.progress(&services) == Progress::Under);
        if reloading && self.reloads.is_empty() {
            self.manager.tell(|herald| herald.reloaded(None, view));
        }
        self.manager.tell(|herald| herald.news(view));
    }

    fn hung_up(&mut self) {
        match self.output {
            // Our terminal is gone, and we with it.
            Output::Files { terminal: true, .. } => self.asked_to_end(),
            // A signal has no answer: a refusal is in the log.
            Output::Files { .. } | Output::Journal(_) => self.wish(Wish::Reload(None)),
        }
    }

    /// By a signal. Somebody who asks three times does not want to wait.
    fn asked_to_end(&mut self) {
        self.asked_to_end += 1;
        match self.asked_to_end {
            1 => tracing::info!(message_id = messages::GATEWAY_STOPPING.id, "stopping"),
            2 => tracing::warn!("still stopping; once more, and whatever is left is killed"),
            _ => self.kill_everything(),
        }
        self.feed([Event::Request(Request::Shutdown)]);
    }

    /// Nothing runs any more: takes leave.
    async fn end(&mut self) {
        self.tell_manager();
        self.sweep().await;
        let lines = async { while self.readers.join_next().await.is_some() {} };
        // A process that left its service and holds a pipe open does not keep us.
        let _in_time = timeout(LAST_LINES, lines).await;
        for error in self.groups.remove_all() {
            tracing::warn!(%error, "a cgroup stays behind");
        }
        tracing::info!(
            message_id = messages::GATEWAY_STOPPED.id,
            "everything is stopped"
        );
        self.waiters.end();
    }

    /// Whether every service that is meant to run is ready, and there is one.
    pub(super) fn all_ready(&self) -> bool {
        let mut some = false;
        let all = self.machine.states().all(|(_, state)| {
            some |= state.is_fine();
            state.is_fine() || state == StateName::Stopped
        });
        some && all
    }
}
