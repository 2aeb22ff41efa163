//! The executor: it carries out effects and returns events.
//!
//! It has the processes, their cgroups, sockets and output, and the tasks that wait for them. Effects go in
//! and events come out, either at once ([`Executor::act`]) or later as an [`Input`], which
//! [`Executor::events`] turns into events. It reads specifications. It knows neither the daemon nor the
//! publisher.

mod effects;
mod exits;
mod hung;
mod instances;
pub(super) mod launch;
mod launched;
mod limits;
mod listener_check;

use std::{collections::BTreeMap, sync::Arc};

use nix::libc::pid_t;
use supervise::{
    event::{Event, Instance, Phase},
    machine::Machine,
    spec::ServiceName,
};
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{Duration, timeout},
};

use super::{groups::Groups, listeners::Listeners};
use crate::{
    clock::Clock,
    config::paths::Paths,
    logs::{Output, Sink},
    stack::Particulars,
};

pub(super) use instances::Instances;
pub(super) use launched::Launched;

/// How long the readers of pipes may still take for the last lines of services that have ended.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The result of a task that has waited for something.
#[derive(Debug)]
pub(super) enum Input {
    /// An event for the machine.
    Happened(Event),
    /// A child has ended and has to be reaped.
    Ended(pid_t),
    /// A command takes too long.
    Late(pid_t),
    /// A probe had no answer within this limit.
    Silent(Instance, Phase, Duration),
    /// The last process of an instance that is to end completely may be gone.
    MaybeEmpty(Instance),
}

/// Everything that runs, and what it needs.
pub(super) struct Executor {
    pub(super) clock: Clock,
    pub(super) groups: Groups,
    pub(super) instances: Instances,
    pub(super) listeners: Listeners,
    /// What single services need besides their specifications.
    pub(super) particulars: Particulars,
    paths: Paths,
    output: Output,
    sinks: BTreeMap<ServiceName, Arc<Mutex<Sink>>>,
    launched: Launched,
    /// One task for each thing that the executor waits for. Its result is an input.
    tasks: JoinSet<Option<Input>>,
    /// The readers of pipes. Each ends by itself when no process has the other end open.
    readers: JoinSet<()>,
}

impl Executor {
    /// An executor for which nothing runs yet.
    pub(super) fn new(
        clock: Clock,
        paths: Paths,
        output: Output,
        launched: Launched,
        particulars: Particulars,
    ) -> Self {
        Self {
            clock,
            groups: Groups::take(),
            instances: Instances::new(launched.gateway().clone()),
            listeners: Listeners::default(),
            particulars,
            paths,
            output,
            sinks: BTreeMap::new(),
            launched,
            tasks: JoinSet::new(),
            readers: JoinSet::new(),
        }
    }

    /// Where the lines of services go.
    pub(super) const fn output(&self) -> &Output {
        &self.output
    }

    /// The next input. It is safe to cancel. If nothing is under way it waits for ever.
    pub(super) async fn next(&mut self) -> Input {
        loop {
            tokio::select! {
                Some(done) = self.tasks.join_next() => {
                    if let Ok(Some(input)) = done {
                        return input;
                    }
                }
                Some(_ended) = self.readers.join_next() => {}
                else => std::future::pending().await,
            }
        }
    }

    /// What an input means for the machine.
    pub(super) fn events(&mut self, input: Input, specs: &Machine) -> Vec<Event> {
        match input {
            Input::Happened(event) => {
                self.heard(&event);
                vec![self.unless_of_another(event, specs)]
            }
            Input::Silent(instance, phase, limit) => vec![self.silent(instance, phase, limit)],
            Input::Ended(pid) => {
                let ended = self.ended(pid);
                ended.into_iter().chain(self.look_at_clearing()).collect()
            }
            Input::Late(pid) => self.late(pid, specs).into_iter().collect(),
            Input::MaybeEmpty(instance) => self.emptied(&instance).into_iter().collect(),
        }
    }

    /// To be called when every service is down: ends the processes that have left their service, and cleans
    /// up.
    pub(super) async fn end(&mut self) {
        self.sweep().await;
        let lines = async { while self.readers.join_next().await.is_some() {} };
        // A process that has left its service may hold a pipe open. The daemon does not wait for it.
        let _in_time = timeout(LAST_LINES, lines).await;
        for error in self.groups.remove_all() {
            tracing::warn!(%error, "a cgroup stays behind");
        }
    }
}
