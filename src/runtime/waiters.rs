//! Callers who wait until their request is fulfilled: a service is ready, or stopped, or the daemon ends.

use crate::control::{
    handle::ReplySender,
    types::{Refusal, Reply},
};
use supervise::{effect::StateName, machine::UnitStatus, spec::ServiceName};

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Goal {
    /// These services are up. Goals are checked after the machine has acted, so a service that is to be
    /// replaced by a new instance already shows that.
    Up(Vec<Wanted>),
    /// The service is down: it is stopped, or has failed.
    Down(ServiceName),
    /// Everything is down and the daemon ends.
    End,
}

/// One service that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The service.
    pub(super) service: ServiceName,
    /// If it is a task, whether its run has to end as well.
    pub(super) run: bool,
    /// Whether it has to have read its files again.
    pub(super) files: bool,
}

impl Wanted {
    /// Waits only until the service is up.
    pub(super) const fn up(service: ServiceName) -> Self {
        Self {
            service,
            run: false,
            files: false,
        }
    }
}

/// Whether a goal is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GoalState {
    /// It is not reached yet.
    Pending,
    /// It is reached.
    Reached,
    /// It will not be reached without help, for this reason.
    Lost(String),
}

impl Goal {
    /// Whether it is reached.
    pub(super) fn state<'a>(
        &self,
        find: impl Fn(&ServiceName) -> Option<&'a UnitStatus>,
    ) -> GoalState {
        match self {
            Self::Up(services) => services
                .iter()
                .map(|wanted| match find(&wanted.service) {
                    Some(status) => up(status, wanted),
                    None => GoalState::Lost(format!(
                        "{} is no longer a part of the gateway",
                        wanted.service
                    )),
                })
                .fold(GoalState::Reached, worse),
            Self::Down(name) => match find(name).map(|status| status.state) {
                None | Some(StateName::Stopped | StateName::Failed) => GoalState::Reached,
                Some(_) => GoalState::Pending,
            },
            Self::End => GoalState::Pending,
        }
    }
}

fn up(status: &UnitStatus, wanted: &Wanted) -> GoalState {
    let name = &status.instance.service;
    match status.state {
        StateName::Failed => GoalState::Lost(format!(
            "{name} has failed: {}: `ai-gateway why {name}` and `ai-gateway logs {name}` say more",
            status.reason
        )),
        StateName::Stopped if !status.renewed => {
            GoalState::Lost(format!("{name} was stopped: {}", status.reason))
        }
        // An external service: nothing that the gateway does brings it up.
        StateName::Unhealthy if status.external => GoalState::Lost(format!(
            "{name} does not answer ({}); what requires it starts when it does",
            status.reason
        )),
        _ if wanted.files && status.reloading => GoalState::Pending,
        _ if status.renewed => GoalState::Pending,
        state if state.is_fine() || (status.is_fine() && !wanted.run) => match &status.outdated {
            Some(why) if wanted.files => GoalState::Lost(format!(
                "{name} goes on with its old files: {why}: `ai-gateway logs {name}` says more"
            )),
            Some(_) | None => GoalState::Reached,
        },
        _ => GoalState::Pending,
    }
}

fn worse(a: GoalState, b: GoalState) -> GoalState {
    match (a, b) {
        (GoalState::Lost(why), _) | (_, GoalState::Lost(why)) => GoalState::Lost(why),
        (GoalState::Pending, _) | (_, GoalState::Pending) => GoalState::Pending,
        (GoalState::Reached, GoalState::Reached) => GoalState::Reached,
    }
}

/// All callers who wait: for what, what they are told when it is reached, and where the answer goes.
#[derive(Debug, Default)]
pub(super) struct Waiters(Vec<(Goal, Vec<String>, ReplySender)>);

impl Waiters {
    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a caller who waits for `goal` and is told `news` when it is reached.
    pub(super) fn add(&mut self, goal: Goal, news: Vec<String>, reply: ReplySender) {
        self.0.push((goal, news, reply));
    }

    /// Answers the callers whose goal is reached or cannot be reached any more, and forgets those who have
    /// gone away.
    pub(super) fn settle<'a>(&mut self, find: impl Fn(&ServiceName) -> Option<&'a UnitStatus>) {
        let waiting = std::mem::take(&mut self.0);
        for (goal, news, reply) in waiting {
            let answer = match goal.state(&find) {
                GoalState::Pending if reply.is_closed() => continue,
                GoalState::Pending => {
                    self.0.push((goal, news, reply));
                    continue;
                }
                GoalState::Reached => Ok(Reply::Done(news)),
                GoalState::Lost(why) => Err(Refusal::Failed(why)),
            };
            // The caller may have gone away.
            let _gone = reply.send(answer);
        }
    }

    /// The daemon ends. Callers who wait for the end have reached their goal; the others are told that the
    /// gateway was stopped.
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
    use supervise::{
        effect::Reason,
        event::{Exit, Instance, Time},
    };
    use tokio::sync::oneshot;

    fn name(name: &str) -> ServiceName {
        ServiceName::new(name).unwrap()
    }

    fn status(service: &str, generation: u64, state: StateName) -> UnitStatus {
        UnitStatus {
            instance: Instance {
                service: name(service),
                generation,
            },
            state,
            since: Time::default(),
            reason: Reason::Exited(Exit::Code(3)),
            restarts: 0,
            waits_for: Vec::new(),
            renewed: false,
            reloading: false,
            outdated: None,
            external: false,
            scheduled: false,
        }
    }

    fn among<'a>(services: &'a [UnitStatus]) -> impl Fn(&ServiceName) -> Option<&'a UnitStatus> {
        |name| services.iter().find(|s| s.instance.service == *name)
    }

    fn up_of(name_of: &str) -> Wanted {
        Wanted::up(name(name_of))
    }

    #[test]
    fn a_restart_is_done_when_the_instance_that_follows_is_ready() {
        let goal = Goal::Up(vec![up_of("a")]);
        let progress = |state, renewed| {
            let status = UnitStatus {
                renewed,
                ..status("a", 1, state)
            };
            goal.state(among(&[status]))
        };
        assert_eq!(progress(StateName::Ready, true), GoalState::Pending);
        assert_eq!(progress(StateName::Stopped, true), GoalState::Pending);
        assert_eq!(progress(StateName::Starting, false), GoalState::Pending);
        assert_eq!(progress(StateName::Ready, false), GoalState::Reached);
        let stopped = progress(StateName::Stopped, false);
        assert!(matches!(stopped, GoalState::Lost(_)), "{stopped:?}");
    }

    #[test]
    fn a_task_with_times_of_its_own_is_waited_for_by_who_has_it_run() {
        let scheduled = |state| UnitStatus {
            scheduled: true,
            ..status("a", 1, state)
        };
        let all = Goal::Up(vec![up_of("a")]);
        let run = Goal::Up(vec![Wanted {
            run: true,
            ..up_of("a")
        }]);
        let running = [scheduled(StateName::Running)];
        assert_eq!(all.state(among(&running)), GoalState::Reached);
        assert_eq!(run.state(among(&running)), GoalState::Pending);
        for goal in [&all, &run] {
            let done = [scheduled(StateName::Completed)];
            assert_eq!(goal.state(among(&done)), GoalState::Reached);
            let failed = goal.state(among(&[scheduled(StateName::Failed)]));
            assert!(matches!(failed, GoalState::Lost(_)), "{failed:?}");
        }
    }

    #[test]
    fn old_files_are_a_reloads_business_and_an_absent_stranger_is_everybodys() {
        let outdated = UnitStatus {
            outdated: Some("line 3".to_owned()),
            ..status("a", 1, StateName::Ready)
        };
        let reload = Goal::Up(vec![Wanted {
            files: true,
            ..up_of("a")
        }]);
        let start = Goal::Up(vec![up_of("a")]);
        assert_eq!(
            start.state(among(std::slice::from_ref(&outdated))),
            GoalState::Reached
        );
        assert!(matches!(
            reload.state(among(&[outdated])),
            GoalState::Lost(_)
        ));
        let external = UnitStatus {
            external: true,
            ..status("a", 1, StateName::Unhealthy)
        };
        assert!(matches!(
            start.state(among(&[external])),
            GoalState::Lost(_)
        ));
    }

    #[test]
    fn one_that_failed_is_told_although_others_are_still_on_their_way() {
        let goal = Goal::Up(vec![up_of("a"), up_of("b")]);
        let now = [
            status("a", 1, StateName::Starting),
            status("b", 1, StateName::Failed),
        ];
        let GoalState::Lost(why) = goal.state(among(&now)) else {
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
        waiters.settle(among(&[status("a", 1, StateName::Stopping)]));
        assert!(answer.try_recv().is_err());
        waiters.settle(among(&[status("a", 1, StateName::Stopped)]));
        assert_eq!(answer.try_recv(), Ok(Ok(Reply::Done(vec!["done".into()]))));
        assert!(waiters.is_empty());
    }

    #[test]
    fn nobody_is_left_waiting_at_the_end() {
        let mut waiters = Waiters::default();
        let (up, mut up_answer) = oneshot::channel();
        let (end, mut end_answer) = oneshot::channel();
        waiters.add(Goal::Up(vec![up_of("a")]), Vec::new(), up);
        waiters.add(Goal::End, Vec::new(), end);
        waiters.end();
        assert!(matches!(up_answer.try_recv(), Ok(Err(Refusal::Failed(_)))));
        assert_eq!(end_answer.try_recv(), Ok(Ok(Reply::Done(Vec::new()))));
    }
}
