//! The machine's rules, one each, told as a story of events.

use std::time::Duration;

use super::*;
use crate::{
    event::{Exit, Phase, Request, Target, Verdict},
    fixtures::{SECOND, command, name, service},
    spec::RestartMode,
};

mod expected;
mod failures;
mod liveness;
mod milestones;
mod recycling;
mod starts;
mod stops;
mod tasks;

/// A machine with its clock, and the effects of the last event.
struct Story {
    machine: Machine,
    now: Time,
    effects: Vec<Effect>,
}

impl Story {
    fn of(specs: Vec<ServiceSpec>) -> Self {
        let machine = Machine::new(specs, 1).expect("the specifications are good");
        let mut story = Self {
            machine,
            now: Time::default(),
            effects: Vec::new(),
        };
        story.tell(Event::Request(Request::Start(Target::All)));
        story
    }

    fn tell(&mut self, event: Event) -> &[Effect] {
        self.effects = self.machine.handle(event, self.now);
        &self.effects
    }

    fn pass(&mut self, time: Duration) -> &[Effect] {
        self.now = self.now.after(time);
        self.tell(Event::Deadline)
    }

    fn instance(&self, service: &str) -> Instance {
        self.status(service).instance
    }

    fn status(&self, service: &str) -> UnitStatus {
        self.machine
            .status()
            .find(|s| s.instance.service.as_str() == service)
            .expect("known")
    }

    fn state(&self, service: &str) -> StateName {
        self.status(service).state
    }

    fn launch(&mut self, service: &str) {
        self.tell(Event::Launched(self.instance(service)));
    }

    fn probe(&mut self, service: &str, phase: Phase, verdict: Verdict) -> &[Effect] {
        self.tell(Event::Probed {
            instance: self.instance(service),
            phase,
            verdict,
        })
    }

    fn bring_up(&mut self, service: &str) {
        self.launch(service);
        self.probe(service, Phase::Readiness, Verdict::Pass);
        assert_eq!(self.state(service), StateName::Ready);
    }

    fn exit(&mut self, service: &str, exit: Exit) {
        self.tell(Event::Exited {
            instance: self.instance(service),
            exit,
        });
    }

    fn die(&mut self, service: &str, exit: Exit) {
        self.exit(service, exit);
        self.tell(Event::Emptied(self.instance(service)));
    }

    fn ask(&mut self, request: Request) {
        self.tell(Event::Request(request));
    }

    fn launched(&self) -> Vec<String> {
        let instance = |effect: &Effect| match effect {
            Effect::Launch(instance) => Some(instance.to_string()),
            _ => None,
        };
        self.effects.iter().filter_map(instance).collect()
    }
}

fn fail() -> Verdict {
    Verdict::Fail("connection refused".into())
}

fn one(service: &str) -> Target {
    Target::One(name(service))
}

#[test]
fn news_of_an_earlier_instance_changes_nothing() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    let first = story.instance("db");
    story.die("db", Exit::Signal(9));
    story.bring_up("db");
    for late in [
        Event::Exited {
            instance: first.clone(),
            exit: Exit::Clean,
        },
        Event::Emptied(first.clone()),
        Event::LaunchFailed {
            instance: first,
            error: "late".into(),
        },
    ] {
        assert_eq!(story.tell(late), []);
    }
    assert_eq!(story.state("db"), StateName::Ready);
}

#[test]
fn news_are_of_who_may_have_changed_and_of_nobody_else() {
    let names: Vec<_> = (0..1000).map(|n| format!("s{n}")).collect();
    let mut story = Story::of(names.iter().map(|name| service(name, &[])).collect());
    assert_eq!(story.machine.take_news().len(), 1000);
    story.launch("s7");
    assert_eq!(story.machine.take_news(), Touched::from([name("s7")]));
    story.probe("s7", Phase::Readiness, Verdict::Pass);
    assert_eq!(story.machine.take_news(), Touched::from([name("s7")]));
    story.tell(Event::Deadline);
    assert_eq!(story.machine.take_news(), Touched::new());
}

#[test]
fn requests_that_cannot_be_are_denied_with_a_reason() {
    let mut story = Story::of(vec![service("db", &[])]);
    let ghost = Request::Restart(one("ghost"));
    assert_eq!(
        story.machine.admit(&ghost),
        Err(Denied::Unknown(name("ghost")))
    );
    story.ask(Request::Shutdown);
    let start = Request::Start(Target::All);
    assert_eq!(story.machine.admit(&start), Err(Denied::ShuttingDown));
    assert_eq!(story.machine.admit(&Request::Stop(one("db"))), Ok(()));
}
