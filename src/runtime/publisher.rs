//! The publisher: it has the snapshot that everybody reads, replaces it when something has changed, and
//! writes the log. It decides nothing.
//!
//! While events are handled, changes are collected in `next`. [`Publisher::publish`] publishes them as a
//! whole, before any caller is answered. It looks only at services that may have changed.

use std::{collections::BTreeSet, sync::Arc};

use supervise::{
    effect::{Change, News, Reason, StateName},
    event::{Exit, Instance, Time},
    spec::ServiceName,
};
use tokio::sync::watch;
use tracing::Level;

use crate::{
    logs::messages::{self, Message},
    publish::{Changes, ServiceFacts, Snapshot, Transition, Whole},
};

/// The only writer of the snapshot.
#[derive(Debug)]
pub(super) struct Publisher {
    to: watch::Sender<Arc<Snapshot>>,
    next: Changes,
}

impl Publisher {
    /// A snapshot without any history. All services are asked to start at `now`.
    pub(super) fn new(whole: Whole, now: Time) -> Self {
        Self {
            to: watch::Sender::new(Arc::new(Snapshot::first(whole, now))),
            next: Changes::default(),
        }
    }

    /// A receiver for somebody who reads the snapshots.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.to.subscribe()
    }

    /// The current snapshot. While somebody holds this reference, the next one cannot be published.
    pub(super) fn snapshot(&self) -> watch::Ref<'_, Arc<Snapshot>> {
        self.to.borrow()
    }

    /// A service went from one state to another. `again` says that it is a task with a schedule.
    pub(super) fn changed(&mut self, change: &Change, again: bool, now: Time) {
        let transition = Transition {
            at: now,
            state: change.to,
            reason: change.reason.clone(),
        };
        let name = change.instance.service.clone();
        self.next.transitions.push((name, transition));
        log(change, again);
    }

    /// A new configuration is in effect.
    pub(super) fn reloaded(&mut self, whole: Whole) {
        self.next.whole = Some(Arc::new(whole));
        self.next.reload = Some(None);
    }

    /// A reload was refused.
    pub(super) fn refused(&mut self, why: String) {
        self.next.reload = Some(Some(why));
    }

    /// All services are asked to start again.
    pub(super) fn starts(&mut self, now: Time) {
        self.next.asked = Some(now);
    }

    /// The gateway shuts down.
    pub(super) const fn ends(&mut self) {
        self.next.ending = true;
    }

    /// Publishes what has changed, and returns whether anything has. `touched` are the services that may
    /// have changed; `facts` returns the current facts of a service, or `None` if it is gone.
    pub(super) fn publish(
        &mut self,
        touched: BTreeSet<ServiceName>,
        facts: impl Fn(&ServiceName) -> Option<ServiceFacts>,
    ) -> bool {
        let mut changes = std::mem::take(&mut self.next);
        for service in touched {
            match facts(&service) {
                Some(facts) => changes.services.push(facts),
                None => changes.gone.push(service),
            }
        }
        let mut became_ready = false;
        let published = self.to.send_if_modified(|snapshot| {
            let was_ready = snapshot.was_ready;
            let is_new = Snapshot::advance(snapshot, changes);
            became_ready = snapshot.was_ready && !was_ready;
            is_new
        });
        if became_ready {
            tracing::info!(
                message_id = messages::GATEWAY_READY.id,
                "everything is ready"
            );
        }
        published
    }
}

/// Writes something into the log that changes no state.
pub(super) fn told(instance: &Instance, news: &News) {
    let name = instance.service.as_str();
    match news {
        News::Reloaded => tracing::info!(
            ai_gateway_service = name,
            message_id = messages::SERVICE_RELOADED.id,
            "{name} reads its files again"
        ),
        News::Outdated(why) => tracing::error!(
            ai_gateway_service = name,
            message_id = messages::SERVICE_OUTDATED.id,
            "{name} goes on with its old files: {why}"
        ),
        News::OverLimit(why) => {
            tracing::info!(ai_gateway_service = name, "{name} restarts: {why}");
        }
    }
}

/// Writes a change of state into the log. `again`: a task that has failed is tried once more at its next
/// scheduled time.
fn log(change: &Change, again: bool) {
    let name = change.instance.service.as_str();
    let text = sentence(change, again);
    let (level, message) = severity(change);
    let id = message.map(|message| message.id);
    // The level of a call site is fixed at compile time, so each level needs a call of its own.
    macro_rules! write {
        ($level:ident) => {
            tracing::$level!(ai_gateway_service = name, message_id = id, "{text}")
        };
    }
    match level {
        Level::ERROR => write!(error),
        Level::WARN => write!(warn),
        _ => write!(info),
    }
}

/// What the log says of a change of state.
fn sentence(change: &Change, again: bool) -> String {
    let (name, to, reason) = (&change.instance.service, change.to, &change.reason);
    match to {
        StateName::Failed if again => {
            format!("{name} has failed: {reason}; it is tried again at its next time")
        }
        StateName::Failed => format!("{name} has failed for good: {reason}"),
        StateName::Starting | StateName::Running | StateName::Ready => format!("{name} is {to}"),
        StateName::Waiting
        | StateName::Scheduled
        | StateName::Unhealthy
        | StateName::Draining
        | StateName::Stopping
        | StateName::BackingOff
        | StateName::Completed
        | StateName::Stopped => format!("{name} is {to}: {reason}"),
    }
}

/// How urgent a change of state is, and the entry of the journal's catalog that explains it, if there is
/// one. The order of the arms matters: a failure counts as one whatever its reason is.
fn severity(change: &Change) -> (Level, Option<&'static Message>) {
    let (level, message) = match (change.to, &change.reason) {
        (StateName::Failed, _) => (Level::ERROR, &messages::SERVICE_FAILED),
        (_, Reason::Exited(Exit::OutOfMemory)) => (Level::ERROR, &messages::SERVICE_OUT_OF_MEMORY),
        (StateName::Draining | StateName::Stopping, Reason::Leaks(_))
            if matches!(change.from, StateName::Ready | StateName::Unhealthy) =>
        {
            (Level::WARN, &messages::SERVICE_LEAKS)
        }
        (StateName::Stopping | StateName::Waiting, Reason::Exited(_)) => {
            (Level::WARN, &messages::SERVICE_EXITED)
        }
        (StateName::BackingOff, _) => (Level::WARN, &messages::SERVICE_WAITS),
        (StateName::Unhealthy, _) => (Level::WARN, &messages::SERVICE_UNHEALTHY),
        (StateName::Starting | StateName::Running, _) => (Level::INFO, &messages::SERVICE_STARTING),
        (StateName::Ready, _) => (Level::INFO, &messages::SERVICE_READY),
        (StateName::Completed, _) => (Level::INFO, &messages::TASK_COMPLETED),
        (StateName::Stopped, _) => (Level::INFO, &messages::SERVICE_STOPPED),
        (
            StateName::Waiting | StateName::Scheduled | StateName::Draining | StateName::Stopping,
            _,
        ) => return (Level::INFO, None),
    };
    (level, Some(message))
}
