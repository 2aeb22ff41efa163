//! The publisher: remembers what has been, and tells of it as it happens: history, log, and whoever
//! follows. It decides nothing.

use std::collections::{BTreeMap, VecDeque};

use supervise::{
    effect::{Change, News, Reason, StateName},
    event::{Exit, Instance, Time},
    machine::Machine,
    spec::ServiceName,
};
use tokio::sync::watch;

use super::{clock::Clock, starts::Starts};
use crate::{control::types::HistoryEntry, logs::messages};

/// So many changes of a service are remembered.
const HISTORY: usize = 50;

/// What has been so far.
#[derive(Debug)]
pub(super) struct Publisher {
    history: BTreeMap<ServiceName, VecDeque<HistoryEntry>>,
    changes: watch::Sender<u64>,
    /// Whether there are changes that nobody was told yet.
    changed: bool,
    /// Whether everything was ready once.
    pub(super) was_ready: bool,
    /// The last start of everything.
    pub(super) starts: Starts,
    /// Why the last reload was refused, until one succeeds.
    pub(super) refused: Option<String>,
}

impl Publisher {
    /// Nothing has been yet. `changes` counts for whoever follows.
    pub(super) const fn new(changes: watch::Sender<u64>, now: Time) -> Self {
        Self {
            history: BTreeMap::new(),
            changes,
            changed: false,
            was_ready: false,
            starts: Starts::begin(now),
            refused: None,
        }
    }

    /// The latest changes of a service, oldest first.
    pub(super) fn history(&self, service: &ServiceName) -> impl Iterator<Item = HistoryEntry> {
        let history = self.history.get(service);
        history.into_iter().flatten().cloned()
    }

    /// A service went from one state to another. `again`: it is a task that has times of its own.
    pub(super) fn changed(&mut self, change: &Change, again: bool, clock: Clock) {
        let name = &change.instance.service;
        let moment = HistoryEntry {
            at: clock.rfc3339(clock.now()),
            state: change.to,
            reason: change.reason.to_string(),
        };
        let history = self.history.entry(name.clone()).or_default();
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back(moment);
        log(change, again);
        self.changed = true;
    }

    /// Tells everybody how things are, once for all that has changed in one turn.
    pub(super) fn tell(&mut self, machine: &Machine, clock: Clock, ending: bool) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let ready = machine.is_fine();
        if ready {
            self.starts.keep(machine, clock);
        }
        if ready && !ending && !self.was_ready {
            self.was_ready = true;
            tracing::info!(
                message_id = messages::GATEWAY_READY.id,
                "everything is ready"
            );
        }
        self.changes.send_modify(|count| *count += 1);
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
