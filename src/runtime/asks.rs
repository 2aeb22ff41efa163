//! What people ask of the daemon: each call is answered at once, measured by a thread, or kept until
//! its goal is reached. A reload is one of them, and comes by a signal as well.

use std::collections::{BTreeMap, VecDeque};

use supervise::{
    effect::StateName,
    event::{Event, Request, Target},
    machine::Reconfigured,
    spec::ServiceName,
};

use super::{
    clock,
    daemon::Daemon,
    effects::chain,
    files, report,
    starts::{self, Starts},
    waiters::Goal,
};
use crate::{
    control::types::{Ask, Call, GatewayStatus, Refusal, Reply},
    logs::messages,
    systemd::notify::View,
};

/// What a call comes to.
pub(super) enum Answer {
    /// The answer is known.
    Now(Reply),
    /// It is known but for the memory of these.
    Measured(Box<GatewayStatus>, report::Unmeasured),
    /// It is known when this goal is reached, after these events.
    When(Goal, Vec<String>, VecDeque<Event>),
}

impl Daemon {
    pub(super) fn answer(&mut self, Ask { call, reply }: Ask) {
        // Who asked may be gone; then nobody hears the answer.
        match self.ask(call) {
            Ok(Answer::Now(answer)) => drop(reply.send(Ok(answer))),
            Ok(Answer::Measured(mut status, unmeasured)) => {
                let (compare, paths) = (self.planned.compare.clone(), self.paths.clone());
                let finish = move || {
                    report::measure(&mut status, unmeasured);
                    report::look(&mut status, &compare, &paths);
                    drop(reply.send(Ok(Reply::Status(status))));
                };
                // A thread, for as long as it takes: it answers by itself and tells the loop nothing.
                drop(tokio::task::spawn_blocking(finish));
            }
            Ok(Answer::When(goal, news, events)) => {
                self.waiters.add(goal, news, reply);
                self.feed(events);
            }
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    fn ask(&mut self, call: Call) -> Result<Answer, Refusal> {
        let target = |service: Option<ServiceName>| service.map_or(Target::All, Target::One);
        match call {
            Call::Status => {
                let (status, unmeasured) = report::gateway(self);
                Ok(Answer::Measured(Box::new(status), unmeasured))
            }
            Call::Why(service) => {
                self.admit(&Request::Stop(Target::One(service.clone())))?;
                let why = report::why(self, &service);
                why.map(|why| Answer::Now(Reply::Why(Box::new(why))))
            }
            Call::Blame(service) => {
                if let Some(service) = &service {
                    self.admit(&Request::Stop(Target::One(service.clone())))?;
                }
                let blame = starts::blame(self, service.as_ref());
                Ok(Answer::Now(Reply::Blame(Box::new(blame))))
            }
            Call::Start(service) => {
                let goal = self.goal_up(service.as_ref(), false);
                self.request(goal, Request::Start(target(service)))
            }
            Call::Restart(Some(service)) => {
                let goal = self.goal_up(Some(&service), true);
                self.request(goal, Request::Restart(Target::One(service)))
            }
            Call::Restart(None) => self.restart_all(),
            Call::Stop(None) => {
                if self.asked_to_end == 0 {
                    tracing::info!(message_id = messages::GATEWAY_STOPPING.id, "stopping");
                    self.asked_to_end = 1;
                }
                self.request(Goal::End, Request::Shutdown)
            }
            Call::Stop(Some(service)) => {
                let goal = Goal::Down(service.clone());
                self.request(goal, Request::Stop(Target::One(service)))
            }
            Call::Reload => self.reload_and_tell(),
        }
    }

    fn request(&self, goal: Goal, request: Request) -> Result<Answer, Refusal> {
        self.admit(&request)?;
        Ok(Answer::When(
            goal,
            Vec::new(),
            VecDeque::from([Event::Request(request)]),
        ))
    }

    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        use supervise::machine::Denied;
        match self.machine.admit(request) {
            Ok(()) => Ok(()),
            Err(Denied::Unknown(name)) => Err(Refusal::UnknownService {
                name: name.to_string(),
                known: self
                    .machine
                    .start_order()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            }),
            Err(Denied::ShuttingDown) => Err(Refusal::Ending),
        }
    }

    /// Ready, each in the life that it has, or `again`: in a later one.
    fn goal_up(&self, service: Option<&ServiceName>, again: bool) -> Goal {
        let meant = |name: &ServiceName| service.is_none_or(|service| service == name);
        let life = |life: u64| if again { life } else { life.saturating_sub(1) };
        Goal::Up(
            self.machine
                .status()
                .filter(|status| meant(&status.instance.service))
                .map(|status| (status.instance.service, life(status.instance.generation)))
                .collect(),
        )
    }

    /// Restarts everything with the configuration as it is now, as a restart by systemd does. One
    /// that is refused leaves everything as it is.
    fn restart_all(&mut self) -> Result<Answer, Refusal> {
        let before = self.lives_now();
        let Answer::When(_, news, mut events) = self.reload_and_tell()? else {
            return Err(Refusal::Ending);
        };
        self.starts = Starts::begin(self.clock.now());
        events.push_back(Event::Request(Request::Restart(Target::All)));
        let later = |name: ServiceName| {
            let life = before.get(&name).copied().unwrap_or(0);
            (name, life)
        };
        let names = self.machine.status().map(|status| status.instance.service);
        let goal = Goal::Up(names.map(later).collect());
        let news = if news == [NOTHING_HAS_CHANGED] {
            Vec::new()
        } else {
            news
        };
        Ok(Answer::When(goal, news, events))
    }

    /// The ordinal of each service's newest instance.
    fn lives_now(&self) -> BTreeMap<ServiceName, u64> {
        let status = self.machine.status();
        status
            .map(|status| (status.instance.service, status.instance.generation))
            .collect()
    }

    /// A reload of which systemd hears how it begins, and how it ends.
    pub(super) fn reload_and_tell(&mut self) -> Result<Answer, Refusal> {
        let monotonic = clock::monotonic();
        self.manager.tell(|herald| herald.reload(monotonic));
        self.untold = true;
        let answer = self.reload();
        match &answer {
            Ok(Answer::When(goal, ..)) => {
                self.refused = None;
                self.reloads.push(goal.clone());
            }
            Ok(Answer::Now(_) | Answer::Measured(..)) => {}
            Err(refusal) => {
                if !matches!(refusal, Refusal::Ending) {
                    self.refused = Some(titles(&refusal.to_string()));
                }
                tracing::error!(
                    message_id = messages::CONFIGURATION_REFUSED.id,
                    "the configuration stays as it is: {refusal}"
                );
                self.refused(&refusal.to_string());
            }
        }
        answer
    }

    fn refused(&mut self, why: &str) {
        let services: Vec<_> = self.machine.status().collect();
        let view = View {
            services: &services,
            patience: self.machine.patience(),
            now: self.clock.now(),
        };
        let first = why.lines().next().unwrap_or_default().to_owned();
        self.manager
            .tell(|herald| herald.reloaded(Some(first), view));
    }

    /// Reads the configuration again; what is wrong with it leaves everything as it is.
    fn reload(&mut self) -> Result<Answer, Refusal> {
        self.admit(&Request::Start(Target::All))?;
        let planned = (self.replan)()?;
        let failed = |error: &dyn std::error::Error| Refusal::Failed(chain(error));
        files::write(&planned.stack).map_err(|error| failed(&error))?;
        let lives = self.lives_now();
        let specs = planned.stack.services.clone();
        let (changes, effects) = self
            .machine
            .reconfigure(specs, self.clock.now())
            .map_err(|error| failed(&error))?;
        self.planned = planned;
        let goal = Goal::Up(
            self.machine
                .status()
                .filter(|status| status.state != StateName::Stopped)
                .map(|status| status.instance.service)
                .filter(|name| changes.changed.contains(name) || changes.added.contains(name))
                .map(|name| {
                    let life = lives.get(&name).copied().unwrap_or(0);
                    (name, life)
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
        Ok(Answer::When(goal, news, events.collect()))
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
