//! sd_notify(3): what the service manager is told, and when.
//!
//! [`Notifier`] decides, as a function of the services' states, the time and what was said before, and answers
//! with values; [`Manager`] makes text of them and sends it. The messages:
//!
//! - `STATUS=` when the line changes. Its seconds are brought up to date only when the loop is
//!   awake anyway, as it is in a start, for its probes; nothing wakes it for them.
//! - `READY=1` once every service is ready, and with `MAINPID=`, for whoever starts us by way of a
//!   shell. A start in which a service fails for good stays a start: systemd shows `activating`,
//!   with the reason in the status, and the other services go on. It is over when a person has
//!   that service started. Nobody waits for that: the unit's `JobRunningTimeoutSec=` ends the wait
//!   of whoever does, without touching us, and `ai-gateway start` asks the daemon instead.
//! - `EXTEND_TIMEOUT_USEC=` while a start, a reload or a stop is under way: until the machine's own
//!   last deadline of what it waits for. So systemd never kills what the machine still waits for,
//!   and a machine that is stuck is not waited for.
//! - `RELOADING=1` with `MONOTONIC_USEC=`, and `READY=1` when what was changed is ready again, or
//!   was refused. Not in a start, for which `READY=1` has another meaning.
//! - `STOPPING=1` once.
//! - `WATCHDOG=1` every half of `$WATCHDOG_USEC`. The loop's own timer asks for it, so a loop that
//!   does not turn does not send it.

use std::time::Duration;

use supervise::{
    effect::StateName,
    event::Time,
    machine::{UnitStatus, all_fine},
};

use super::{
    notification::{Notification, datagram},
    socket::Socket,
    status::{line, one_line},
};

/// For the way from a deadline to the next message.
const MARGIN: Duration = Duration::from_secs(15);

/// A start that only a person can bring to an end; in systemd's terms it must end some time.
const UNTIL_SOMEBODY_HELPS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What the service manager says in the environment of a service that it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotifyEnvironment {
    /// The socket on which it wants to be told, if it wants that (`NOTIFY_SOCKET`).
    pub socket: Option<String>,
    /// After this time without a sign of life it kills the daemon (`WATCHDOG_USEC`).
    pub watchdog: Option<Duration>,
    /// The number of the daemon's own process.
    pub pid: u32,
}

impl NotifyEnvironment {
    /// Reads this from the environment of the process `pid` (sd_notify(3),
    /// sd_watchdog_enabled(3)).
    pub fn read(variable: impl Fn(&str) -> Option<String>, pid: u32) -> Self {
        let number = |name| variable(name)?.parse::<u64>().ok();
        // Variables are inherited: these may be meant for who started us.
        let ours = variable("WATCHDOG_PID").is_none_or(|of| of == pid.to_string());
        let micros = number("WATCHDOG_USEC").filter(|&usec| usec > 0 && ours);
        Self {
            socket: variable("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()),
            watchdog: micros.map(Duration::from_micros),
            pid,
        }
    }
}

/// What the daemon as a whole is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not everything was ready yet.
    Starting,
    /// Everything was ready once.
    Running,
    /// The configuration is read again, and what has changed starts.
    Reloading,
    /// On the way to the end.
    Stopping,
}

/// What is to be told about.
#[derive(Debug, Clone)]
pub struct View<S> {
    /// Every service.
    pub services: S,
    /// [`supervise::machine::Machine::patience`].
    pub patience: Option<Time>,
    /// Now.
    pub now: Time,
}

/// Every service, as often as it is asked for.
pub trait Services<'a>: Iterator<Item = &'a UnitStatus> + Clone {}

impl<'a, S: Iterator<Item = &'a UnitStatus> + Clone> Services<'a> for S {}

/// Decides which messages the service manager gets.
#[derive(Debug)]
pub struct Notifier {
    pid: u32,
    phase: Phase,
    /// Why a reload was refused, to be told until something changes.
    refused: Option<String>,
    status: String,
    extended_to: Option<Time>,
    heartbeat: Option<Heartbeat>,
}

/// When the next sign of life is due, and how often one is sent: twice in the time that the watchdog waits.
#[derive(Debug, Clone, Copy)]
struct Heartbeat {
    every: Duration,
    next: Time,
}

impl Notifier {
    /// A notifier that has sent nothing yet.
    pub fn new(environment: &NotifyEnvironment, now: Time) -> Self {
        let heartbeat = |watchdog: Duration| Heartbeat {
            every: watchdog / 2,
            next: now,
        };
        Self {
            pid: environment.pid,
            phase: Phase::Starting,
            refused: None,
            status: String::new(),
            extended_to: None,
            heartbeat: environment.watchdog.map(heartbeat),
        }
    }

    /// When it wants to be asked even if nothing happens.
    pub fn next(&self) -> Option<Time> {
        self.heartbeat.map(|heartbeat| heartbeat.next)
    }

    /// A reload begins, at this time of the monotonic clock.
    #[must_use]
    pub fn reload(&mut self, monotonic: Duration) -> Vec<Notification> {
        match self.phase {
            Phase::Starting | Phase::Stopping => Vec::new(),
            Phase::Running | Phase::Reloading => {
                self.phase = Phase::Reloading;
                self.extended_to = None;
                self.refused = None;
                "reloading".clone_into(&mut self.status);
                vec![
                    Notification::Reloading(monotonic),
                    Notification::Status(self.status.clone()),
                ]
            }
        }
    }

    /// The reload is over; `refused` says why it changed nothing.
    #[must_use]
    pub fn reloaded<'a>(
        &mut self,
        refused: Option<String>,
        view: View<impl Services<'a>>,
    ) -> Vec<Notification> {
        if let Some(why) = &refused {
            self.refused = Some(one_line(&format!("the last reload was refused: {why}")));
        }
        if self.phase != Phase::Reloading {
            return self.news(view);
        }
        self.phase = Phase::Running;
        self.status = self.line(&view);
        vec![
            Notification::Ready,
            Notification::Status(self.status.clone()),
        ]
    }

    /// The end begins.
    #[must_use]
    pub fn stopping<'a>(&mut self, view: View<impl Services<'a>>) -> Vec<Notification> {
        if self.phase == Phase::Stopping {
            return self.news(view);
        }
        self.phase = Phase::Stopping;
        self.extended_to = None;
        self.refused = None;
        let mut told = vec![Notification::Stopping];
        self.add_news(&view, &mut told);
        told
    }

    /// What is new, if anything is.
    #[must_use]
    pub fn news<'a>(&mut self, view: View<impl Services<'a>>) -> Vec<Notification> {
        let mut told = Vec::new();
        if self.phase == Phase::Starting && all_fine(view.services.clone()) {
            self.phase = Phase::Running;
            told.extend([Notification::Ready, Notification::MainPid(self.pid)]);
        }
        self.add_news(&view, &mut told);
        told
    }

    fn add_news<'a>(&mut self, view: &View<impl Services<'a>>, told: &mut Vec<Notification>) {
        let line = self.line(view);
        if line != self.status {
            told.push(Notification::Status(line.clone()));
            self.status = line;
        }
        if let Some(end) = self.end(view)
            && self.extended_to != Some(end)
        {
            told.push(Notification::ExtendTimeout(end.since(view.now) + MARGIN));
            self.extended_to = Some(end);
        }
        if let Some(heartbeat) = &mut self.heartbeat
            && heartbeat.next <= view.now
        {
            told.push(Notification::Watchdog);
            heartbeat.next = view.now.after(heartbeat.every);
        }
    }

    /// Until when systemd is asked to wait. `None` if it has nothing to wait for.
    fn end<'a>(&self, view: &View<impl Services<'a>>) -> Option<Time> {
        match (self.phase, view.patience) {
            (Phase::Running, _) => None,
            (Phase::Starting | Phase::Reloading | Phase::Stopping, Some(end)) => Some(end),
            (Phase::Starting, None) if view.services.clone().any(given_up) => {
                Some(Time(UNTIL_SOMEBODY_HELPS))
            }
            (Phase::Starting | Phase::Reloading | Phase::Stopping, None) => None,
        }
    }

    fn line<'a>(&self, view: &View<impl Services<'a>>) -> String {
        let line = line(&view.services, &self.phase, view.now);
        match &self.refused {
            Some(refused) => format!("{line}; {refused}"),
            None => line,
        }
    }
}

/// What is down for good, or is somebody else's and does not answer: nothing of ours brings it back.
const fn given_up(status: &UnitStatus) -> bool {
    matches!(status.state, StateName::Failed | StateName::Unhealthy)
}

/// What is said when there is no daemon to speak of: why it could not begin, and with which exit
/// code it ends.
pub fn failure(why: &str, errno: Option<i32>, exit: u8) -> Vec<Notification> {
    let errno = errno.and_then(|errno| u32::try_from(errno).ok());
    [Notification::Status(one_line(why))]
        .into_iter()
        .chain(errno.map(Notification::Errno))
        .chain([Notification::ExitStatus(exit)])
        .collect()
}

/// The service manager, or nobody.
#[derive(Debug)]
pub struct Manager {
    notifier: Notifier,
    socket: Option<Socket>,
}

impl Manager {
    /// Whoever started this process.
    pub fn of_process(now: Time) -> Self {
        let environment =
            NotifyEnvironment::read(|name| std::env::var(name).ok(), std::process::id());
        Self {
            notifier: Notifier::new(&environment, now),
            socket: open(&environment),
        }
    }

    /// Whether anybody listens.
    pub const fn listens(&self) -> bool {
        self.socket.is_some()
    }

    /// When it is to be told something even if nothing happens.
    pub fn next(&self) -> Option<Time> {
        self.socket.as_ref().and_then(|_| self.notifier.next())
    }

    /// Has the notifier say what it wants to.
    pub fn tell(&mut self, what: impl FnOnce(&mut Notifier) -> Vec<Notification>) {
        if let Some(socket) = &self.socket {
            send(socket, &what(&mut self.notifier));
        }
    }
}

/// Tells whoever started this process that it fails.
pub fn fail(why: &str, errno: Option<i32>, exit: u8) {
    let environment = NotifyEnvironment::read(|name| std::env::var(name).ok(), std::process::id());
    if let Some(socket) = open(&environment) {
        send(&socket, &failure(why, errno, exit));
    }
}

fn open(environment: &NotifyEnvironment) -> Option<Socket> {
    let address = environment.socket.as_deref()?;
    Socket::open(address)
        .inspect_err(|error| tracing::warn!(%error, "cannot reach the service manager"))
        .ok()
}

/// Sends these as one message; none, if there is nothing to say.
fn send(socket: &Socket, notifications: &[Notification]) {
    if notifications.is_empty() {
        return;
    }
    // One that does not answer is no reason to end.
    if let Err(error) = socket.send(&datagram(notifications)) {
        tracing::warn!(%error, "the service manager does not listen");
    }
}

#[cfg(test)]
mod tests;
