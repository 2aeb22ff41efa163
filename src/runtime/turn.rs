//! The loop: it takes one input after the other.

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
    DaemonOptions, RunError,
    daemon::Daemon,
    executor::{Input, Launched},
    files,
    measure::Places,
    orphans,
    pulse::Pulse,
    reload_queue::{Read, ReloadRequest},
    teller::Teller,
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

/// How many orders may wait for the loop. It answers in microseconds, so more than these can only come from
/// a caller that has gone wrong; they wait at the socket.
const CALLS: usize = 16;

/// Runs the gateway until somebody asks it to end and everything is down.
///
/// # Errors
/// The reason for which it could not begin. What goes wrong with a service after that is handled by the
/// machine.
pub fn run(options: DaemonOptions) -> Result<(), RunError> {
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

async fn serve(
    options: DaemonOptions,
    lock: DaemonLock,
    launched: Launched,
) -> Result<(), RunError> {
    let socket = options.paths.control_socket();
    let (listener, name) = server::bind(&socket)?;
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
        // If nobody receives this, the dropped sender tells the same.
        let _ended = ended.await;
    }));
    daemon.begin();
    daemon.turn(&mut signals, &mut calls, &pulse).await;
    daemon.end().await;
    // A caller that waits for the end of this daemon may start the next one as soon as its connection
    // closes, so the lock is released before that. Nobody answers calls from here on, so the socket is
    // removed, and that before the lock is released, while its name still belongs to this daemon. If the
    // folder of sockets was emptied under it, another gateway may have the name, and keeps it.
    let _gone = name.remove();
    drop(lock);
    drop(calls);
    drop(end);
    // The control server sends the last answers and ends within a second.
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

/// The next input of the loop.
enum Next {
    Input(Input),
    ChildEnded,
    Read(Result<Read, Refusal>),
    Order(PendingCall),
    End,
    HangUp,
    Deadline,
    /// It is time to send systemd a sign of life.
    Beat,
}

impl Daemon {
    /// Handles one input after the other, until everything is down for good.
    async fn turn(
        &mut self,
        signals: &mut Signals,
        calls: &mut mpsc::Receiver<PendingCall>,
        pulse: &Pulse,
    ) {
        while !self.complete {
            let clock = self.executor.clock;
            // Checked before each input, because the arms below prefer other inputs to this one.
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
            // Every arm is safe to cancel: each waits for something that stays ready until it is taken.
            let next = tokio::select! {
                biased;
                input = self.executor.next() => Next::Input(input),
                Some(()) = signals.child.recv() => Next::ChildEnded,
                read = self.reload_queue.next() => Next::Read(read),
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
        // The services that are left end by themselves, each step of a stop within its own time.
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
            // Each turn begins by sending systemd what is due.
            Next::Beat => {}
        }
    }

    fn hung_up(&mut self) {
        match self.executor.output() {
            // The terminal of a daemon in the foreground was closed, so the daemon ends.
            Output::Files { terminal: true, .. } => self.asked_to_end(),
            // Nobody waits for an answer to a signal: if the reload is refused, the log says so.
            Output::Files { .. } | Output::Journal(_) => {
                self.request_reload(ReloadRequest::Reload(None));
            }
        }
    }

    /// Nothing runs any more: sends the last messages and ends.
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
