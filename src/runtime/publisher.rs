//! The publisher: has the snapshot that everybody reads, and replaces it when something has changed; and
//! writes the log. It decides nothing.
//!
//! What is new gathers in `next` while events are handled, and is published as a whole by
//! [`Publisher::publish`], before anybody is answered. It looks only at services of which somebody says that
//! they may have changed.

use std::{collections::BTreeSet, sync::Arc};

use supervise::{
    effect::{Change, News, Reason, StateName},
    event::{Exit, Instance, Time},
    spec::ServiceName,
};
use tokio::sync::watch;

use crate::{
    logs::messages,
    publish::{Changes, Facts, Moment, Snapshot, Whole},
};

/// The one who writes the snapshot.
#[derive(Debug)]
pub(super) struct Publisher {
    to: watch::Sender<Arc<Snapshot>>,
    next: Changes,
}

impl Publisher {
    /// Nothing has been yet; everything is asked to start at `now`.
    pub(super) fn new(whole: Whole, now: Time) -> Self {
        Self {
            to: watch::Sender::new(Arc::new(Snapshot::first(whole, now))),
            next: Changes::default(),
        }
    }

    /// For somebody who reads it.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.to.subscribe()
    }

    /// The snapshot as it is now. Whoever has it keeps the next one from being published.
    pub(super) fn snapshot(&self) -> watch::Ref<'_, Arc<Snapshot>> {
        self.to.borrow()
    }

    /// A service went from one state to another. `again`: it is a task that has times of its own.
    pub(super) fn changed(&mut self, change: &Change, again: bool, now: Time) {
        let moment = Moment {
            at: now,
            state: change.to,
            reason: change.reason.clone(),
        };
        let name = change.instance.service.clone();
        self.next.moments.push((name, moment));
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

    /// Everything is asked to start anew.
    pub(super) fn starts(&mut self, now: Time) {
        self.next.asked = Some(now);
    }

    /// Everything goes down for good.
    pub(super) const fn ends(&mut self) {
        self.next.ending = true;
    }

    /// Publishes what is new, if anything is; says whether that is so. `touched`: the services of which
    /// something may be new; `facts` has one as it is now, or nothing if it is gone.
    pub(super) fn publish(
        &mut self,
        touched: BTreeSet<ServiceName>,
        facts: impl Fn(&ServiceName) -> Option<Facts>,
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

/// Tells of what changes no state.
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

/// `again`: one that has failed is tried once more at its next time.
fn log(change: &Change, again: bool) {
    let name = change.instance.service.as_str();
    let (to, reason) = (change.to, &change.reason);
    macro_rules! say {
        ($level:ident, $message:expr, $($text:tt)+) => {
            tracing::$level!(ai_gateway_service = name, message_id = $message.id, $($text)+)
        };
    }
    match (to, reason) {
        (StateName::Failed, _) if again => {
            say!(
                error,
                messages::SERVICE_FAILED,
                "{name} has failed: {reason}; it is tried again at its next time"
            );
        }
        (StateName::Failed, _) => {
            say!(
                error,
                messages::SERVICE_FAILED,
                "{name} has failed for good: {reason}"
            );
        }
        (_, Reason::Exited(Exit::OutOfMemory)) => {
            say!(
                error,
                messages::SERVICE_OUT_OF_MEMORY,
                "{name} is {to}: {reason}"
            );
        }
        (StateName::Draining | StateName::Stopping, Reason::Leaks(_))
            if matches!(change.from, StateName::Ready | StateName::Unhealthy) =>
        {
            say!(warn, messages::SERVICE_LEAKS, "{name} is {to}: {reason}");
        }
        (StateName::Stopping | StateName::Waiting, Reason::Exited(_)) => {
            say!(warn, messages::SERVICE_EXITED, "{name} is {to}: {reason}");
        }
        (StateName::BackingOff, _) => {
            say!(warn, messages::SERVICE_WAITS, "{name} is {to}: {reason}");
        }
        (StateName::Unhealthy, _) => {
            say!(
                warn,
                messages::SERVICE_UNHEALTHY,
                "{name} is {to}: {reason}"
            );
        }
        (StateName::Starting, _) => say!(info, messages::SERVICE_STARTING, "{name} is {to}"),
        (StateName::Ready, _) => say!(info, messages::SERVICE_READY, "{name} is {to}"),
        (StateName::Running, _) => say!(info, messages::SERVICE_STARTING, "{name} is {to}"),
        (StateName::Completed, _) => {
            say!(info, messages::TASK_COMPLETED, "{name} is {to}: {reason}");
        }
        (StateName::Stopped, _) => {
            say!(info, messages::SERVICE_STOPPED, "{name} is {to}: {reason}");
        }
        (
            StateName::Waiting | StateName::Scheduled | StateName::Draining | StateName::Stopping,
            _,
        ) => {
            tracing::info!(ai_gateway_service = name, "{name} is {to}: {reason}");
        }
    }
}
