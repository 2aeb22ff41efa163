//! Reading the configuration again: by a call, by SIGHUP, and before everything is restarted.
//!
//! A thread reads it (`reload_queue`), for one request after the other, while the loop goes on. The result
//! is an input like any other. If the configuration is wrong, or cannot be read in time, nothing changes.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Planned, Purpose,
    daemon::Daemon,
    files, preview,
    reload_queue::{Read, ReloadRequest},
    waiters::{Goal, Wanted},
};
use crate::{
    causes::chain,
    clock,
    control::types::{Preview, Refusal, Reply},
    logs::messages,
    systemd::notify::View,
};
use supervise::{
    effect::{Effect, StateName},
    event::{Event, Instance, Request, Target},
    machine::{Changed, Checked, Reconfigured, Uptake},
    spec::{Limits, ServiceName},
};

/// What a new configuration means: a goal, what people are told, and the effects.
struct Applied {
    goal: Goal,
    news: Vec<String>,
    effects: Vec<Effect>,
}

impl Daemon {
    /// Reads the configuration again and does what is requested, now or when the requests before it are done.
    pub(super) fn request_reload(&mut self, request: ReloadRequest) {
        if let Err(refusal) = self.admit(&Request::Start(Target::All)) {
            return request.refuse(refusal);
        }
        if self.reload_queue.is_reading() {
            return self.reload_queue.enqueue(request);
        }
        if !request.is_preview() {
            let monotonic = clock::monotonic();
            self.manager.tell(|notifier| notifier.reload(monotonic));
            self.untold = true;
        }
        let (replan, compare) = (Arc::clone(&self.replan), self.planned.compare.clone());
        let previews = request.is_preview();
        let read = move || {
            let planned = replan(if previews {
                Purpose::Preview
            } else {
                Purpose::TakeUp
            })?;
            let alone = if previews {
                compare.alone()
            } else {
                Vec::new()
            };
            Ok(Read { planned, alone })
        };
        if let Err((request, error)) = self.reload_queue.read(request, read) {
            self.refuse(request, Refusal::Failed(chain(&error)));
        }
    }

    /// The thread has read the configuration, or could not.
    pub(super) fn read_again(&mut self, read: Result<Read, Refusal>) {
        let Some(request) = self.reload_queue.was_read() else {
            return;
        };
        // A shutdown may have begun meanwhile.
        let read = self.admit(&Request::Start(Target::All)).and(read);
        match (request, read) {
            (ReloadRequest::Preview(reply), read) => {
                let preview = read.and_then(|read| self.preview(read));
                drop(reply.send(preview.map(|preview| Reply::Preview(Box::new(preview)))));
            }
            (request, Ok(Read { planned, .. })) => self.take_up(request, planned),
            (request, Err(refusal)) => self.refuse(request, refusal),
        }
        // If no thread can be started, a request is answered at once. Then the next one is taken.
        while !self.reload_queue.is_reading()
            && let Some(next) = self.reload_queue.take_next()
        {
            self.request_reload(next);
        }
    }

    fn take_up(&mut self, request: ReloadRequest, planned: Planned) {
        match self.apply(planned) {
            Ok(applied) => {
                // Only systemd is told when a reload is over.
                if self.manager.listens() {
                    self.reloads.push(applied.goal.clone());
                }
                self.go_on(request, applied);
            }
            Err(refusal) => self.refuse(request, refusal),
        }
    }

    /// What new specifications would change if they were applied now.
    fn foresee(&self, new: Checked) -> Reconfigured {
        let over =
            |instance: &Instance, limits: &Limits| self.executor.over_limit(instance, limits);
        self.machine.preview(new, self.executor.clock.now(), over)
    }

    fn preview(&self, read: Read) -> Result<Preview, Refusal> {
        let whole = Checked::new(read.planned.stack.services);
        let whole = whole.map_err(|error| Refusal::Failed(chain(&error)))?;
        let whole = self.foresee(whole);
        let alone = read.alone.into_iter().map(|(key, specs)| {
            // A key alone may give specifications that are not valid. For example, one new service may
            // require another new one.
            let changes = Checked::new(specs).map(|specs| self.foresee(specs));
            (key, changes.unwrap_or_default())
        });
        Ok(preview::preview(whole, alone))
    }

    fn go_on(&mut self, request: ReloadRequest, applied: Applied) {
        let Applied {
            goal,
            news,
            effects,
        } = applied;
        let mut events = VecDeque::new();
        match request {
            ReloadRequest::Reload(None) | ReloadRequest::Preview(_) => {}
            ReloadRequest::Reload(Some(reply)) => self.waiters.add(goal, news, reply),
            ReloadRequest::RestartAll(reply) => {
                self.publisher.starts(self.executor.clock.now());
                events.push_back(Event::Request(Request::Restart(Target::All)));
                let goal = self.goal_of_all();
                let told = if news == [NOTHING_HAS_CHANGED] {
                    Vec::new()
                } else {
                    news
                };
                self.waiters.add(goal, told, reply);
            }
        }
        self.carry_out(effects, events);
    }

    fn refuse(&mut self, request: ReloadRequest, refusal: Refusal) {
        if matches!(request, ReloadRequest::Preview(_)) {
            return request.refuse(refusal);
        }
        if !matches!(refusal, Refusal::Ending) {
            self.publisher.refused(titles(&refusal.to_string()));
        }
        self.publish();
        tracing::error!(
            message_id = messages::CONFIGURATION_REFUSED.id,
            "the configuration stays as it is: {refusal}"
        );
        let snapshot = self.publisher.snapshot();
        let view = View {
            services: snapshot.statuses(),
            patience: self.machine.patience(),
            now: self.executor.clock.now(),
        };
        let why = refusal.to_string();
        let first = why.lines().next().unwrap_or_default().to_owned();
        self.manager
            .tell(|notifier| notifier.reloaded(Some(first), view));
        drop(snapshot);
        request.refuse(refusal);
    }

    /// Applies the configuration that was read. If that fails, nothing changes.
    fn apply(&mut self, planned: Planned) -> Result<Applied, Refusal> {
        let failed = |error: &(dyn std::error::Error + 'static)| Refusal::Failed(chain(error));
        let new = Checked::new(planned.stack.services.clone()).map_err(|error| failed(&error))?;
        let prepared = self
            .executor
            .listeners
            .prepare(&planned.stack.services)
            .map_err(|error| failed(&error))?;
        if let Err(error) = files::write(&planned.stack) {
            self.executor.listeners.undo(&prepared);
            return Err(failed(&error));
        }
        // That an instance uses more memory than its new limits allow is known to the machine only when the
        // effects have been carried out. The caller is told now that the instance restarts, so it is
        // computed beforehand.
        let changes = self.foresee(new.clone());
        let (_, effects) = self.machine.reconfigure(new, self.executor.clock.now());
        self.executor
            .particulars
            .clone_from(&planned.stack.particulars);
        self.planned = planned;
        self.publisher.reloaded(self.whole());
        let news = news(&changes);
        for line in &news {
            tracing::info!(
                message_id = messages::CONFIGURATION_READ.id,
                "the configuration was read again: {line}"
            );
        }
        Ok(Applied {
            goal: self.goal(&changes),
            news,
            effects,
        })
    }

    /// The goal that every new or changed service is up.
    fn goal(&self, changes: &Reconfigured) -> Goal {
        let meant = |name: &ServiceName| {
            let status = self.machine.status_of(name);
            status.is_some_and(|status| status.state != StateName::Stopped || status.renewed)
        };
        let changed = changes.changed.iter().map(|changed| &changed.service);
        let names = changed.chain(&changes.added).filter(|name| meant(name));
        let wanted = names.map(|name| Wanted {
            files: true,
            ..Wanted::up(name.clone())
        });
        Goal::Up(wanted.collect())
    }
}

/// The titles of a report, without the lines of the file that it shows: those may contain secrets.
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

/// What new specifications change, in sentences for people.
fn news(changes: &Reconfigured) -> Vec<String> {
    let Reconfigured {
        added,
        changed,
        removed,
    } = changes;
    let added = added.iter().map(|name| format!("{name} is new and starts"));
    let changed = changed.iter().map(told);
    let removed = removed
        .iter()
        .map(|name| format!("{name} is gone and stops"));
    let lines: Vec<_> = added.chain(changed).chain(removed).collect();
    if lines.is_empty() {
        vec![NOTHING_HAS_CHANGED.to_owned()]
    } else {
        lines
    }
}

fn told(changed: &Changed) -> String {
    let Changed {
        service,
        uptake,
        fields,
        over_limit,
    } = changed;
    let fields: Vec<_> = fields.iter().map(ToString::to_string).collect();
    let fields = fields.join(", ");
    match uptake {
        Uptake::Live => format!("{service} goes on with its new {fields}"),
        Uptake::Reload => format!("{service} goes on and reads its files again"),
        Uptake::Restart => match over_limit {
            Some(why) => format!("{service} has changed and restarts: {why}"),
            None => format!("{service} has changed and restarts"),
        },
        Uptake::NextStart => format!("{service} has changed for its next start"),
    }
}
