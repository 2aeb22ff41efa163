//! What people ask of the daemon: each call is answered at once, measured by a thread, or kept until
//! its goal is reached. What reads the configuration first is in `reload`.

use std::collections::VecDeque;

use supervise::{
    event::{Event, Request, Target},
    spec::ServiceName,
};

use super::{
    Compare,
    daemon::Daemon,
    sight,
    waiters::{Goal, Wanted},
    wishes::Wish,
};
use crate::{
    config::paths::Paths,
    control::types::{Call, GatewayStatus, PendingCall, Refusal, Reply, Why},
    logs::messages,
};

/// What a call comes to.
pub(super) enum Answer {
    /// The answer is known.
    Now(Reply),
    /// It is known but for the memory of these.
    Measured(Told, sight::Unmeasured),
    /// It is known when this goal is reached, after these events.
    When(Goal, Vec<String>, VecDeque<Event>),
}

/// What is known in the loop of an answer that a thread finishes.
pub(super) enum Told {
    Status(Box<GatewayStatus>),
    Why(Box<Why>),
}

impl Told {
    /// Adds what takes time: sums of memory, and what only files tell.
    fn finish(mut self, unmeasured: sight::Unmeasured, compare: &Compare, paths: &Paths) -> Reply {
        match &mut self {
            Self::Status(status) => {
                for (name, current) in sight::measured(unmeasured) {
                    if let Some(service) = status.services.get_mut(&name) {
                        service.memory.current = Some(current);
                    }
                }
                sight::look(status, compare, paths);
            }
            Self::Why(why) => {
                let sums = sight::measured(unmeasured).map(|(_, current)| current);
                why.status.memory.current = why.status.memory.current.or(sums.last());
            }
        }
        match self {
            Self::Status(status) => Reply::Status(status),
            Self::Why(why) => Reply::Why(why),
        }
    }
}

impl Daemon {
    pub(super) fn answer(&mut self, PendingCall { call, reply }: PendingCall) {
        let call = match call {
            Call::Reload(None) => return self.wish(Wish::Reload(Some(reply))),
            Call::Preview => return self.wish(Wish::Preview(reply)),
            Call::Restart(None) => return self.wish(Wish::RestartAll(reply)),
            other => other,
        };
        // Who asked may be gone; then nobody hears the answer.
        match self.ask(call) {
            Ok(Answer::Now(answer)) => drop(reply.send(Ok(answer))),
            Ok(Answer::Measured(told, unmeasured)) => {
                let (compare, paths) = (self.planned.compare.clone(), self.paths.clone());
                let finish = move || {
                    drop(reply.send(Ok(told.finish(unmeasured, &compare, &paths))));
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
                let (status, unmeasured) = self.sight().gateway();
                Ok(Answer::Measured(Told::Status(Box::new(status)), unmeasured))
            }
            Call::Why(service) => {
                self.admit(&Request::Stop(Target::One(service.clone())))?;
                let (why, unmeasured) = self.sight().why(&service)?;
                Ok(Answer::Measured(Told::Why(Box::new(why)), unmeasured))
            }
            Call::Blame(service) => {
                if let Some(service) = &service {
                    self.admit(&Request::Stop(Target::One(service.clone())))?;
                }
                let blame = self.sight().blame(service.as_ref());
                Ok(Answer::Now(Reply::Blame(Box::new(blame))))
            }
            Call::Start(service) => {
                let goal = self.goal_up(service.as_ref());
                self.request(goal, Request::Start(target(service)))
            }
            Call::Restart(Some(service)) => {
                let goal = self.goal_up(Some(&service));
                self.request(goal, Request::Restart(Target::One(service)))
            }
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
            Call::Reload(Some(service)) => {
                let goal = Goal::Up(vec![Wanted {
                    files: true,
                    ..Wanted::up(service.clone())
                }]);
                self.request(goal, Request::Reload(service))
            }
            Call::Reload(None) | Call::Restart(None) | Call::Preview => Err(Refusal::Failed(
                "the configuration is read first".to_owned(),
            )),
        }
    }

    fn request(&self, goal: Goal, request: Request) -> Result<Answer, Refusal> {
        self.admit(&request)?;
        let news = match &request {
            Request::Start(Target::One(service)) | Request::Restart(Target::One(service)) => {
                self.task_done(service)
            }
            _ => None,
        };
        Ok(Answer::When(
            goal,
            news.into_iter().collect(),
            VecDeque::from([Event::Request(request)]),
        ))
    }

    /// What is said of a task that was run.
    fn task_done(&self, service: &ServiceName) -> Option<String> {
        let task = self.machine.spec(service)?.task();
        task.map(|_| format!("{service} has ended well"))
    }

    pub(super) fn admit(&self, request: &Request) -> Result<(), Refusal> {
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
            Err(denied @ (Denied::NoReload(_) | Denied::NotUp(_))) => {
                Err(Refusal::Failed(denied.to_string()))
            }
        }
    }

    /// Everything, or one service; its run as well if it is a task.
    fn goal_up(&self, service: Option<&ServiceName>) -> Goal {
        match service {
            Some(service) => Goal::Up(vec![Wanted {
                run: true,
                ..Wanted::up(service.clone())
            }]),
            None => self.goal_of_all(),
        }
    }

    /// Everything that is a part of the gateway.
    pub(super) fn goal_of_all(&self) -> Goal {
        let names = self.machine.start_order().iter().cloned();
        Goal::Up(names.map(Wanted::up).collect())
    }
}
