//! The configuration, read again: by a call, by SIGHUP, and before a restart of everything.
//!
//! It is read by a thread of its own (`wishes`), one request after the other, while the loop goes on; what
//! came of it is an input like any other. A configuration that is wrong, or that nobody can read in time,
//! leaves everything as it is.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Planned, Purpose,
    daemon::Daemon,
    files, preview,
    waiters::{Goal, Wanted},
    wishes::{Read, Wish},
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

/// What a new configuration comes to: a goal, what people are told, and what is to be done.
struct Applied {
    goal: Goal,
    news: Vec<String>,
    effects: Vec<Effect>,
}

impl Daemon {
    /// Reads the configuration again and does what is wished, now or after those before.
    pub(super) fn wish(&mut self, wish: Wish) {
        if let Err(refusal) = self.admit(&Request::Start(Target::All)) {
            return wish.refuse(refusal);
        }
        if self.wishes.is_reading() {
            return self.wishes.later(wish);
        }
        if !wish.is_preview() {
            let monotonic = clock::monotonic();
            self.manager.tell(|herald| herald.reload(monotonic));
            self.untold = true;
        }
        let (replan, compare) = (Arc::clone(&self.replan), self.planned.compare.clone());
        let previews = wish.is_preview();
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
        if let Err((wish, error)) = self.wishes.read(wish, read) {
            self.refuse(wish, Refusal::Failed(chain(&error)));
        }
    }

    /// The configuration was read, or cannot be.
    pub(super) fn read_again(&mut self, read: Result<Read, Refusal>) {
        let Some(wish) = self.wishes.was_read() else {
            return;
        };
        // A shutdown may have begun meanwhile.
        let read = self.admit(&Request::Start(Target::All)).and(read);
        match (wish, read) {
            (Wish::Preview(reply), read) => {
                let preview = read.and_then(|read| self.preview(read));
                drop(reply.send(preview.map(|preview| Reply::Preview(Box::new(preview)))));
            }
            (wish, Ok(Read { planned, .. })) => self.take_up(wish, planned),
            (wish, Err(refusal)) => self.refuse(wish, refusal),
        }
        // One that cannot be read for is answered at once, and then the next one's turn has come.
        while !self.wishes.is_reading()
            && let Some(next) = self.wishes.take_next()
        {
            self.wish(next);
        }
    }

    fn take_up(&mut self, wish: Wish, planned: Planned) {
        match self.apply(planned) {
            Ok(applied) => {
                // Nobody but the manager hears when it is over.
                if self.manager.listens() {
                    self.reloads.push(applied.goal.clone());
                }
                self.go_on(wish, applied);
            }
            Err(refusal) => self.refuse(wish, refusal),
        }
    }

    /// What new specifications would come to now.
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
            // Alone it may be one that cannot be: of two services that are new, one requires the other.
            let changes = Checked::new(specs).map(|specs| self.foresee(specs));
            (key, changes.unwrap_or_default())
        });
        Ok(preview::preview(whole, alone))
    }

    fn go_on(&mut self, wish: Wish, applied: Applied) {
        let Applied {
            goal,
            news,
            effects,
        } = applied;
        let mut events = VecDeque::new();
        match wish {
            Wish::Reload(None) | Wish::Preview(_) => {}
            Wish::Reload(Some(reply)) => self.waiters.add(goal, news, reply),
            Wish::RestartAll(reply) => {
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

    fn refuse(&mut self, wish: Wish, refusal: Refusal) {
        if matches!(wish, Wish::Preview(_)) {
            return wish.refuse(refusal);
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
            .tell(|herald| herald.reloaded(Some(first), view));
        drop(snapshot);
        wish.refuse(refusal);
    }

    /// Takes up what was read; where that cannot be done everything stays as it is.
    fn apply(&mut self, planned: Planned) -> Result<Applied, Refusal> {
        let failed = |error: &(dyn std::error::Error + 'static)| Refusal::Failed(chain(error));
        let new = Checked::new(planned.stack.services.clone()).map_err(|error| failed(&error))?;
        self.executor
            .listeners
            .prepare(&planned.stack.services)
            .map_err(|error| failed(&error))?;
        if let Err(error) = files::write(&planned.stack) {
            self.machine
                .specs()
                .for_each(|s| self.executor.listeners.let_go(s));
            return Err(failed(&error));
        }
        // The machine learns only from the effects that an instance holds more than its new limits allow,
        // and who asked is told now that it restarts.
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

    /// Everything that is new or has changed is what it is meant to be.
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
