//! The configuration, read again: by a call, by SIGHUP, and before a restart of everything.
//!
//! It is read by a thread of its own, one request after the other, while the loop goes on; what came
//! of it is an input like any other. A configuration that is wrong, or that nobody can read in time,
//! leaves everything as it is.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use supervise::{
    effect::StateName,
    event::{Event, Request, Target},
    machine::Reconfigured,
    spec::ServiceName,
};
use tokio::{
    sync::oneshot,
    time::{Duration, timeout},
};

use super::{
    Planned,
    apart::Apart,
    clock,
    daemon::{Daemon, Input},
    effects::chain,
    files,
    starts::Starts,
    waiters::Goal,
};
use crate::{
    control::types::{Refusal, Reply},
    logs::messages,
    systemd::notify::View,
};

/// A configuration is read within milliseconds, on a busy disk within seconds.
const IN_TIME: Duration = Duration::from_secs(10);

/// Who hears the answer.
type Asker = oneshot::Sender<Result<Reply, Refusal>>;

/// What is to be done with the configuration as it is now.
#[derive(Debug)]
pub(super) enum Wish {
    /// What has changed is restarted. None: a signal has no answer.
    Reload(Option<Asker>),
    /// Everything is restarted, as a restart by systemd does.
    RestartAll(Asker),
}

/// Reloads that are under way.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    /// The configuration is being read for this one.
    reading: Option<Wish>,
    /// Those after it.
    waiting: VecDeque<Wish>,
    thread: Apart,
}

impl Wish {
    fn refuse(self, refusal: Refusal) {
        match self {
            // Who asked may be gone; then nobody hears the answer.
            Self::Reload(Some(reply)) | Self::RestartAll(reply) => drop(reply.send(Err(refusal))),
            Self::Reload(None) => {}
        }
    }
}

/// What a new configuration comes to: a goal, what people are told, and what is to be fed.
struct Applied {
    goal: Goal,
    news: Vec<String>,
    events: VecDeque<Event>,
}

impl Daemon {
    /// Reads the configuration again and does what is wished, now or after those before.
    pub(super) fn wish(&mut self, wish: Wish) {
        if let Err(refusal) = self.admit(&Request::Start(Target::All)) {
            return wish.refuse(refusal);
        }
        if self.rereads.reading.is_some() {
            let same =
                |other: &Wish| matches!((other, &wish), (Wish::Reload(None), Wish::Reload(None)));
            // One more signal says nothing that the one before did not.
            if !self.rereads.waiting.iter().any(same) {
                self.rereads.waiting.push_back(wish);
            }
            return;
        }
        let monotonic = clock::monotonic();
        self.manager.tell(|herald| herald.reload(monotonic));
        self.untold = true;
        let replan = Arc::clone(&self.replan);
        match self.rereads.thread.begin(move || replan()) {
            Ok(result) => {
                self.rereads.reading = Some(wish);
                self.tasks.spawn(async move {
                    let late = || {
                        let limit = humantime::format_duration(IN_TIME);
                        Err(Refusal::Failed(format!(
                            "the configuration was not read within {limit}: \
                             its file system does not answer"
                        )))
                    };
                    let read = match timeout(IN_TIME, result).await {
                        Ok(Ok(read)) => read,
                        // The thread panicked, and the log has why.
                        Ok(Err(_)) => Err(Refusal::Failed("reading it failed".to_owned())),
                        Err(_) => late(),
                    };
                    Some(Input::Read(Box::new(read)))
                });
            }
            Err(error) => self.refuse(wish, Refusal::Failed(chain(&error))),
        }
    }

    /// The configuration was read, or cannot be.
    pub(super) fn read_again(&mut self, read: Result<Planned, Refusal>) {
        let Some(wish) = self.rereads.reading.take() else {
            return;
        };
        let before = self.generations_now();
        // A shutdown may have begun meanwhile.
        let admitted = self.admit(&Request::Start(Target::All));
        match admitted.and(read).and_then(|planned| self.apply(planned)) {
            Ok(applied) => {
                self.refused = None;
                self.reloads.push(applied.goal.clone());
                self.go_on(wish, applied, &before);
            }
            Err(refusal) => self.refuse(wish, refusal),
        }
        if let Some(next) = self.rereads.waiting.pop_front() {
            self.wish(next);
        }
    }

    fn go_on(&mut self, wish: Wish, applied: Applied, before: &BTreeMap<ServiceName, u64>) {
        let Applied {
            goal,
            news,
            mut events,
        } = applied;
        match wish {
            Wish::Reload(None) => {}
            Wish::Reload(Some(reply)) => self.waiters.add(goal, news, reply),
            Wish::RestartAll(reply) => {
                self.starts = Starts::begin(self.clock.now());
                events.push_back(Event::Request(Request::Restart(Target::All)));
                let later = |name: ServiceName| {
                    let generation = before.get(&name).copied().unwrap_or(0);
                    (name, generation)
                };
                let names = self.machine.status().map(|status| status.instance.service);
                let goal = Goal::Up(names.map(later).collect());
                let told = if news == [NOTHING_HAS_CHANGED] {
                    Vec::new()
                } else {
                    news
                };
                self.waiters.add(goal, told, reply);
            }
        }
        self.feed(events);
    }

    fn refuse(&mut self, wish: Wish, refusal: Refusal) {
        if !matches!(refusal, Refusal::Ending) {
            self.refused = Some(titles(&refusal.to_string()));
        }
        tracing::error!(
            message_id = messages::CONFIGURATION_REFUSED.id,
            "the configuration stays as it is: {refusal}"
        );
        let services: Vec<_> = self.machine.status().collect();
        let view = View {
            services: &services,
            patience: self.machine.patience(),
            now: self.clock.now(),
        };
        let why = refusal.to_string();
        let first = why.lines().next().unwrap_or_default().to_owned();
        self.manager
            .tell(|herald| herald.reloaded(Some(first), view));
        wish.refuse(refusal);
    }

    /// The ordinal of each service's newest instance.
    fn generations_now(&self) -> BTreeMap<ServiceName, u64> {
        let status = self.machine.status();
        status
            .map(|status| (status.instance.service, status.instance.generation))
            .collect()
    }

    /// Takes up what was read; where that cannot be done everything stays as it is.
    fn apply(&mut self, planned: Planned) -> Result<Applied, Refusal> {
        let failed = |error: &dyn std::error::Error| Refusal::Failed(chain(error));
        self.listeners
            .prepare(&planned.stack.services)
            .map_err(|error| failed(&error))?;
        files::write(&planned.stack).map_err(|error| failed(&error))?;
        let generations = self.generations_now();
        let specs = planned.stack.services.clone();
        let (changes, effects) = match self.machine.reconfigure(specs, self.clock.now()) {
            Ok(reconfigured) => reconfigured,
            Err(error) => {
                self.machine.specs().for_each(|s| self.listeners.let_go(s));
                return Err(failed(&error));
            }
        };
        self.keep_listeners(&effects);
        self.planned = planned;
        let goal = Goal::Up(
            self.machine
                .status()
                .filter(|status| status.state != StateName::Stopped)
                .map(|status| status.instance.service)
                .filter(|name| changes.changed.contains(name) || changes.added.contains(name))
                .map(|name| {
                    let generation = generations.get(&name).copied().unwrap_or(0);
                    (name, generation)
                })
                .collect(),
        );
        let news = news(&changes);
        for line in &news {
            tracing::info!(
                message_id = messages::CONFIGURATION_READ.id,
                "the configuration was read again: {line}"
            );
        }
        let events = effects.into_iter().filter_map(|effect| self.act(effect));
        Ok(Applied {
            goal,
            news,
            events: events.collect(),
        })
    }
}

/// What is wrong, without the lines of the file that a report shows: those may have secrets in them.
fn titles(report: &str) -> String {
    let errors = report
        .lines()
        .filter_map(|line| line.strip_prefix("error: "));
    let errors: Vec<_> = errors.collect();
    match errors.as_slice() {
        [] => report.lines().next().unwrap_or_default().to_owned(),
        errors => errors.join("; "),
    }
}

const NOTHING_HAS_CHANGED: &str = "nothing has changed";

/// What new specifications come to, for people.
fn news(changes: &Reconfigured) -> Vec<String> {
    let Reconfigured {
        added,
        changed,
        watched,
        removed,
    } = changes;
    let lines: Vec<_> = [
        (added, "is new and starts"),
        (changed, "has changed and restarts"),
        (watched, "is watched for leaks in another way"),
        (removed, "is gone and stops"),
    ]
    .into_iter()
    .flat_map(|(names, what)| names.iter().map(move |name| format!("{name} {what}")))
    .collect();
    if lines.is_empty() {
        vec![NOTHING_HAS_CHANGED.to_owned()]
    } else {
        lines
    }
}
