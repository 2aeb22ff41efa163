//! Callers who wait until what they asked for is so.

use supervise::{
    effect::{Reason, StateName},
    machine::ServiceStatus,
    spec::ServiceName,
};
use tokio::sync::oneshot;

use crate::control::types::{Refusal, Reply};

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Goal {
    /// These are ready, each in a later instance than the one that is named.
    Up(Vec<(ServiceName, u64)>),
    /// It is stopped, or has failed, which is down as well.
    Down(ServiceName),
    /// Everything is down and the daemon ends.
    End,
}

/// How near a goal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// Not there yet.
    Under,
    /// There.
    Reached,
    /// It will not get there by itself, and why.
    Lost(String),
}

impl Goal {
    /// How near it is.
    pub(super) fn progress(&self, status: &[ServiceStatus]) -> Progress {
        let find = |name: &ServiceName| status.iter().find(|s| s.instance.service == *name);
        match self {
            Self::Up(services) => services
                .iter()
                .map(|(name, after)| match find(name) {
                    Some(status) => up(status, *after),
                    None => Progress::Lost(format!("{name} is no longer a part of the gateway")),
                })
                .fold(Progress::Reached, worse),
            Self::Down(name) => match find(name).map(|status| status.state) {
                None | Some(StateName::Stopped | StateName::Failed) => Progress::Reached,
                Some(_) => Progress::Under,
            },
            Self::End => Progress::Under,
        }
    }
}

fn up(status: &ServiceStatus, after: u64) -> Progress {
    let name = &status.instance.service;
    match status.state {
        StateName::Ready | StateName::Unhealthy if status.reloading => Progress::Under,
        StateName::Scheduled => Progress::Reached,
        StateName::Ready | StateName::Completed if status.instance.generation > after => {
            match &status.outdated {
                Some(why) => Progress::Lost(format!(
                    "{name} goes on with its old files: {why}: `ai-gateway logs {name}` says more"
                )),
                None => Progress::Reached,
            }
        }
        StateName::Failed => Progress::Lost(format!(
            "{name} has failed: {}: `ai-gateway why {name}` and `ai-gateway logs {name}` say more",
            status.reason
        )),
        // Somebody else runs it, and nothing of ours brings it up.
        StateName::Unhealthy if status.reason == Reason::StartTimedOut => Progress::Lost(format!(
            "{name} does not answer; what requires it starts when it does"
        )),
        StateName::Stopped => Progress::Lost(format!("{name} was stopped: {}", status.reason)),
        StateName::Ready
        | StateName::Completed
        | StateName::Waiting
        | StateName::Starting
        | StateName::Running
        | StateName::Unhealthy
        | StateName::Draining
        | StateName::Stopping
        | StateName::BackingOff => Progress::Under,
    }
}

fn worse(a: Progress, b: Progress) -> Progress {
    match (a, b) {
        (Progress::Lost(why), _) | (_, Progress::Lost(why)) => Progress::Lost(why),
        (Progress::Under, _) | (_, Progress::Under) => Progress::Under,
        (Progress::Reached, Progress::Reached) => Progress::Reached,
    }
}

/// Where the answer to a call goes.
pub(super) type Answer = oneshot::Sender<Result<Reply, Refusal>>;

/// Everybody who waits: for what, what they are told then, and how.
#[derive(Debug, Default)]
pub(super) struct Waiters(Vec<(Goal, Vec<String>, Answer)>);

impl Waiters {
    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Somebody waits for `goal`, and is told `news` when it is reached.
    pub(super) fn add(&mut self, goal: Goal, news: Vec<String>, reply: Answer) {
        self.0.push((goal, news, reply));
    }

    /// Answers those whose goal is reached or lost; forgets those who are gone.
    pub(super) fn settle(&mut self, status: &[ServiceStatus]) {
        let waiting = std::mem::take(&mut self.0);
        for (goal, news, reply) in waiting {
            let answer = match goal.progress(status) {
                Progress::Under if reply.is_closed() => continue,
                Progress::Under => {
                    self.0.push((goal, news, reply));
                    continue;
                }
                Progress::Reached => Ok(Reply::Done(news)),
                Progress::Lost(why) => Err(Refusal::Failed(why)),
            };
            // Nobody is there any more to hear it.
            let _gone = reply.send(answer);
        }
    }

    /// The daemon ends: that is what those who wait for the end wanted; the others are told.
    pub(super) fn end(&mut self) {
        for (goal, news, reply) in self.0.drain(..) {
            let answer = match goal {
                Goal::End | Goal::Down(_) => Ok(Reply::Done(news)),
                Goal::Up(_) => Err(Refusal::Failed("the gateway was stopped".to_owned())),
            };
            let _gone = reply.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use supervise::event::{Exit, Instance, Time};

    fn name(name: &str) -> ServiceName {
        ServiceName::new(name).unwrap()
    }

    fn status(service: &str, generation: u64, state: StateName) -> ServiceStatus {
        ServiceStatus {
            instance: Instance {
                service: name(service),
                generation,
            },
            state,
            since: Time::default(),
            reason: Reason::Exited(Exit::Code(3)),
            restarts: 0,
            waits_for: Vec::new(),
            reloading: false,
            outdated: None,
        }
    }

    #[test]
    fn a_restart_is_done_when_a_later_instance_is_ready() {
        let goal = Goal::Up(vec![(name("a"), 1)]);
        let progress = |generation, state| goal.progress(&[status("a", generation, state)]);
        assert_eq!(progress(1, StateName::Ready), Progress::Under);
        assert_eq!(progress(2, StateName::Starting), Progress::Under);
        assert_eq!(progress(2, StateName::Ready), Progress::Reached);
    }

    #[test]
    fn one_that_failed_is_told_although_others_are_still_on_their_way() {
        let goal = Goal::Up(vec![(name("a"), 0), (name("b"), 0)]);
        let now = [
            status("a", 1, StateName::Starting),
            status("b", 1, StateName::Failed),
        ];
        let Progress::Lost(why) = goal.progress(&now) else {
            panic!("b has failed")
        };
        assert!(
            why.starts_with("b has failed: it exited with code 3"),
            "{why}"
        );
    }

    #[test]
    fn a_waiter_is_answered_once_and_then_forgotten() {
        let mut waiters = Waiters::default();
        let (reply, mut answer) = oneshot::channel();
        waiters.add(Goal::Down(name("a")), vec!["done".into()], reply);
        waiters.settle(&[status("a", 1, StateName::Stopping)]);
        assert!(answer.try_recv().is_err());
        waiters.settle(&[status("a", 1, StateName::Stopped)]);
        assert_eq!(answer.try_recv(), Ok(Ok(Reply::Done(vec!["done".into()]))));
        assert!(waiters.is_empty());
    }

    #[test]
    fn nobody_is_left_waiting_at_the_end() {
        let mut waiters = Waiters::default();
        let (up, mut up_answer) = oneshot::channel();
        let (end, mut end_answer) = oneshot::channel();
        waiters.add(Goal::Up(vec![(name("a"), 0)]), Vec::new(), up);
        waiters.add(Goal::End, Vec::new(), end);
        waiters.end();
        assert!(matches!(up_answer.try_recv(), Ok(Err(Refusal::Failed(_)))));
        assert_eq!(end_answer.try_recv(), Ok(Ok(Reply::Done(Vec::new()))));
    }
}
