//! The loop: whatever comes next, one after the other.

use std::{io, sync::Arc, time::Duration};

use nix::unistd::geteuid;
use supervise::event::{Event, Time};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::sleep_until,
};

use super::{
    Options, RunError,
    daemon::Daemon,
    executor::{Input, Launched},
    files,
    measure::Places,
    orphans,
    pulse::Pulse,
    teller::Teller,
    wishes::{Read, Wish},
};
use crate::{
    clock::Clock,
    control::{
        handle::{Handle, PendingCall},
        server,
        types::Refusal,
    },
    identity::GatewayId,
    lock::DaemonLock,
    logs::{Output, messages},
    open_files,
};

/// Orders that wait for the loop. It answers in microseconds; more than these come only from a
/// caller who has gone wild, and wait at the socket.
const CALLS: usize = 16;

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
    open_files::raise().map_err(|error| kernel("allow itself more open files")(error.into()))?;
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
    let (to_loop, mut calls) = mpsc::channel(CALLS);
    let (end, ended) = oneshot::channel::<()>();
    let (clock, paths) = (Clock::start(), options.paths.clone());
    let gateway = launched.gateway().clone();
    let mut daemon = Daemon::new(options, clock, launched)?;
    let groups = daemon.executor.groups.folder();
    let places = Places { gateway, groups };
    let pulse = Arc::new(Pulse::start());
    let mut workers = JoinSet::new();
    let handle = Handle {
        orders: to_loop,
        tell: Teller::new(
            daemon.publisher.subscribe(),
            Arc::clone(&pulse),
            (clock, paths, places),
            &mut workers,
        ),
    };
    let control = tokio::spawn(server::serve(listener, handle, geteuid(), async move {
        // Dropping the sender says it as well.
        let _ended = ended.await;
    }));
    daemon.begin();
    daemon.turn(&mut signals, &mut calls, &pulse).await;
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

/// What comes next.
enum Next {
    Input(Input),
    ChildEnded,
    Read(Result<Read, Refusal>),
    Order(PendingCall),
    End,
    HangUp,
    Deadline,
    /// The manager wants a sign of life.
    Beat,
}

impl Daemon {
    /// One input after the other, until everything is down for good.
    async fn turn(
        &mut self,
        signals: &mut Signals,
        calls: &mut mpsc::Receiver<PendingCall>,
        pulse: &Pulse,
    ) {
        while !self.complete {
            let clock = self.executor.clock;
            // Looked at here as well, since other inputs go before it.
            let wants_beat = self.manager.next().is_some_and(|beat| beat <= clock.now());
            if self.untold || wants_beat {
                self.tell_manager();
            }
            let (due, beat) = (self.machine.next_deadline(), self.manager.next());
            let instant = |time: Option<Time>| time.map(|time| clock.instant(time));
            let (due, beat) = (instant(due), instant(beat));
            let at = async move |time| match time {
                Some(time) => sleep_until(time).await,
                None => std::future::pending().await,
            };
            pulse.waits([due, beat].into_iter().flatten().min());
            // Every arm is cancel-safe: each waits for a readiness that stays until it is taken.
            let next = tokio::select! {
                biased;
                input = self.executor.next() => Next::Input(input),
                Some(()) = signals.child.recv() => Next::ChildEnded,
                read = self.wishes.next() => Next::Read(read),
                Some(order) = calls.recv() => Next::Order(order),
                Some(()) = signals.terminate.recv() => Next::End,
                Some(()) = signals.interrupt.recv() => Next::End,
                Some(()) = signals.hang_up.recv() => Next::HangUp,
                () = at(due) => Next::Deadline,
                () = at(beat) => Next::Beat,
            };
            pulse.begins();
            self.take(next);
        }
        // What is left ends by itself, each step within its own limit.
        pulse.waits(None);
    }

    fn take(&mut self, next: Next) {
        match next {
            Next::Input(input) => {
                let events = self.executor.events(input, &self.machine);
                self.feed(events);
            }
            Next::ChildEnded => {
                let events = self.executor.reap();
                self.feed(events);
            }
            Next::Read(read) => self.read_again(read),
            Next::Order(order) => self.answer(order),
            Next::End => self.asked_to_end(),
            Next::HangUp => self.hung_up(),
            Next::Deadline => self.feed([Event::Deadline]),
            // Each turn begins with it.
            Next::Beat => {}
        }
    }

    fn hung_up(&mut self) {
        match self.executor.output() {
            // Our terminal is gone, and we with it.
            Output::Files { terminal: true, .. } => self.asked_to_end(),
            // A signal has no answer: a refusal is in the log.
            Output::Files { .. } | Output::Journal(_) => self.wish(Wish::Reload(None)),
        }
    }

    /// Nothing runs any more: takes leave.
    async fn end(&mut self) {
        self.tell_manager();
        self.executor.end().await;
        tracing::info!(
            message_id = messages::GATEWAY_STOPPED.id,
            "everything is stopped"
        );
        self.waiters.end();
    }
}
