//! Orders of people to the daemon. Each order is kept until its goal is reached. Orders that need a new
//! look at the configuration are in `reload`; questions, which change nothing, never come here (`teller`).

use supervise::{
    event::{Event, Request, Target},
    spec::ServiceName,
};

use super::{
    daemon::Daemon,
    reload_queue::ReloadRequest,
    waiters::{Goal, Wanted},
};
use crate::{
    control::{
        handle::{Order, PendingCall},
        types::Refusal,
    },
    logs::messages,
};

/// What an order means: the event that it causes, the goal whose reaching completes it, and what the caller
/// is told then.
struct Begun {
    goal: Goal,
    news: Vec<String>,
    event: Event,
}

impl Daemon {
    pub(super) fn answer(&mut self, PendingCall { order, reply }: PendingCall) {
        let target = |service: Option<ServiceName>| service.map_or(Target::All, Target::One);
        let begun = match order {
            Order::Reload(None) => return self.request_reload(ReloadRequest::Reload(Some(reply))),
            Order::Preview => return self.request_reload(ReloadRequest::Preview(reply)),
            Order::Restart(None) => return self.request_reload(ReloadRequest::RestartAll(reply)),
            Order::Start(service) => {
                let goal = self.goal_up(service.as_ref());
                self.request(goal, Request::Start(target(service)))
            }
            Order::Restart(Some(service)) => {
                let goal = self.goal_up(Some(&service));
                self.request(goal, Request::Restart(Target::One(service)))
            }
            Order::Stop(None) => {
                if self.asked_to_end == 0 {
                    tracing::info!(message_id = messages::GATEWAY_STOPPING.id, "stopping");
                    self.asked_to_end = 1;
                    self.publisher.ends();
                }
                self.request(Goal::End, Request::Shutdown)
            }
            Order::Stop(Some(service)) => {
                let goal = Goal::Down(service.clone());
                self.request(goal, Request::Stop(Target::One(service)))
            }
            Order::Reload(Some(service)) => {
                let goal = Goal::Up(vec![Wanted {
                    files: true,
                    ..Wanted::up(service.clone())
                }]);
                self.request(goal, Request::Reload(service))
            }
        };
        match begun {
            Ok(Begun { goal, news, event }) => {
                self.waiters.add(goal, news, reply);
                self.feed([event]);
            }
            // The caller may have gone away; then nobody hears the answer.
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    fn request(&self, goal: Goal, request: Request) -> Result<Begun, Refusal> {
        self.admit(&request)?;
        let news = match &request {
            Request::Start(Target::One(service)) | Request::Restart(Target::One(service)) => {
                self.task_done(service)
            }
            _ => None,
        };
        Ok(Begun {
            goal,
            news: news.into_iter().collect(),
            event: Event::Request(request),
        })
    }

    /// What the caller is told about a task that was run.
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

    /// The goal that everything, or one service, is up. If that service is a task, its run is a part of the
    /// goal.
    fn goal_up(&self, service: Option<&ServiceName>) -> Goal {
        match service {
            Some(service) => Goal::Up(vec![Wanted {
                run: true,
                ..Wanted::up(service.clone())
            }]),
            None => self.goal_of_all(),
        }
    }

    /// The goal that every service of the gateway is up.
    pub(super) fn goal_of_all(&self) -> Goal {
        let names = self.machine.start_order().iter().cloned();
        Goal::Up(names.map(Wanted::up).collect())
    }
}
