//! Callers who wait until what they asked for is so.

use supervise::{effect::StateName, machine::ServiceStatus, spec::ServiceName};
use tokio::sync::oneshot;

use crate::control::types::{Refusal, Reply};

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Goal {
    /// These are what they are meant to be. A goal is looked at when the machine has acted, so a service
    /// that is to be another instance shows it.
    Up(Vec<Wanted>),
    /// It is stopped, or has failed, which is down as well.
    Down(ServiceName),
    /// Everything is down and the daemon ends.
    End,
}

/// One service that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Which.
    pub(super) service: ServiceName,
    /// If it is a task, its run is waited for as well.
    pub(super) run: bool,
    /// It has to have read its files.
    pub(super) files: bool,
}

impl Wanted {
    /// Up, and no more.
    pub(super) const fn up(service: ServiceName) -> Self {
        Self {
            service,
            run: false,
            files: false,
        }
    }
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
    pub(super) fn progress<'a>(
        &self,
        find: impl Fn(&ServiceName) -> Option<&'a ServiceStatus>,
    ) -> Progress {
        match self {
            Self::Up(services) => services
                .iter()
                .map(|wanted| match find(&wanted.service) {
                    Some(status) => up(status, wanted),
                    None => Progress::Lost(format!(
                        "{} is no longer a part of the gateway",
                        wanted.service
                    )),
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

fn up(status: &ServiceStatus, wanted: &Wanted) -> Progress {
    let name = &status.instance.service;
    match status.state {
        StateName::Failed => Progress::Lost(format!(
            "{name} has failed: {}: `ai-gateway why {name}` and `ai-gateway logs {name}` say more",
            status.reason
        )),
        StateName::Stopped if !status.renewed => {
            Progress::Lost(format!("{name} was stopped: {}", status.reason))
        }
        // Somebody else runs it, and nothing of ours brings it up.
        StateName::Unhealthy if status.external => Progress::Lost(format!(
            "{name} does not answer ({}); what requires it starts when it does",
            status.reason
        )),
        _ if wanted.files && status.reloading => Progress::Under,
        _ if status.renewed => Progress::Under,
        state if state.is_fine() || (status.is_fine() && !wanted.run) => match &status.outdated {
            Some(why) if wanted.files => Progress::Lost(format!(
                "{name} goes on with its old files: {why}: `ai-gateway logs {name}` says more"
            )),
            Some(_) | None => Progress::Reached,
        },
        _ => Progress::Under,
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
    pub(super) fn settle<'a>(&mut self, find: impl Fn(&ServiceName) -> Option<&'a ServiceStatus>) {
        let waiting = std::mem::take(&mut self.0);
        for (goal, news, reply) in waiting {
            let answer = match goal.progress(&find) {
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
    use supervise::{
        effect::Reason,
        event::{Exit, Instance, Time},
    };

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
            renewed: false,
            reloading: false,
            outdated: None,
            external: false,
            scheduled: false,
        }
    }

    fn among<'a>(
        services: &'a [ServiceStatus],
    ) -> impl Fn(&ServiceName) -> Option<&'a ServiceStatus> {
        |name| services.iter().find(|s| s.instance.service == *name)
    }

    fn up_of(name_of: &str) -> Wanted {
        Wanted::up(name(name_of))
    }

    #[test]
    fn a_restart_is_done_when_the_instance_that_follows_is_ready() {
        let goal = Goal::Up(vec![up_of("a")]);
        let progress = |state, renewed| {
            let status = ServiceStatus {
                renewed,
                ..status("a", 1, state)
            };
            goal.progress(among(&[status]))
        };
        assert_eq!(progress(StateName::Ready, true), Progress::Under);
        assert_eq!(progress(StateName::Stopped, true), Progress::Under);
        assert_eq!(progress(StateName::Starting, false), Progress::Under);
        assert_eq!(progress(StateName::Ready, false), Progress::Reached);
        let stopped = progress(StateName::Stopped, false);
        assert!(matches!(stopped, Progress::Lost(_)), "{stopped:?}");
    }

    #[test]
    fn a_task_with_times_of_its_own_is_waited_for_by_who_has_it_run() {
        let scheduled = |state| ServiceStatus {
            scheduled: true,
            ..status("a", 1, state)
        };
        let all = Goal::Up(vec![up_of("a")]);
        let run = Goal::Up(vec![Wanted {
            run: true,
            ..up_of("a")
        }]);
        let running = [scheduled(StateName::Running)];
        assert_eq!(all.progress(among(&running)), Progress::Reached);
        assert_eq!(run.progress(among(&running)), Progress::Under);
        for goal in [&all, &run] {
            let done = [scheduled(StateName::Completed)];
            assert_eq!(goal.progress(among(&done)), Progress::Reached);
            let failed = goal.progress(among(&[scheduled(StateName::Failed)]));
            assert!(matches!(failed, Progress::Lost(_)), "{failed:?}");
        }
    }

    #[test]
    fn old_files_are_a_reloads_business_and_an_absent_stranger_is_everybodys() {
        let outdated = ServiceStatus {
            outdated: Some("line 3".to_owned()),
            ..status("a", 1, StateName::Ready)
        };
        let reload = Goal::Up(vec![Wanted {
            files: true,
            ..up_of("a")
        }]);
        let start = Goal::Up(vec![up_of("a")]);
        assert_eq!(
            start.progress(among(std::slice::from_ref(&outdated))),
            Progress::Reached
        );
        assert!(matches!(
            reload.progress(among(&[outdated])),
            Progress::Lost(_)
        ));
        let external = ServiceStatus {
            external: true,
            ..status("a", 1, StateName::Unhealthy)
        };
        assert!(matches!(
            start.progress(among(&[external])),
            Progress::Lost(_)
        ));
    }

    #[test]
    fn one_that_failed_is_told_although_others_are_still_on_their_way() {
        let goal = Goal::Up(vec![up_of("a"), up_of("b")]);
        let now = [
            status("a", 1, StateName::Starting),
            status("b", 1, StateName::Failed),
        ];
        let Progress::Lost(why) = goal.progress(among(&now)) else {
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
