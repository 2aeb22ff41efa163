//! The machine's rules, one each, told as a story of events.

use std::time::Duration;

use super::*;
use crate::{
    event::{Exit, Phase, Request, Target, Verdict},
    fixtures::{SECOND, command, name, service},
    spec::RestartMode,
};

mod recycling;
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

    fn status(&self, service: &str) -> ServiceStatus {
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
fn a_service_waits_until_what_it_requires_is_ready_not_just_started() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    assert_eq!(story.launched(), ["db#1"]);
    story.launch("db");
    assert_eq!(story.launched(), [""; 0]);
    assert_eq!(story.status("app").waits_for, [name("db")]);
    story.probe("db", Phase::Readiness, Verdict::Pass);
    assert_eq!(story.launched(), ["app#1"]);
}

#[test]
fn a_readiness_probe_that_fails_is_asked_again_and_makes_nobody_unhealthy() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.launch("db");
    story.probe("db", Phase::Readiness, fail());
    assert_eq!(story.state("db"), StateName::Starting);
    let again = Effect::Probe {
        instance: story.instance("db"),
        phase: Phase::Readiness,
    };
    assert_eq!(story.pass(SECOND), [again]);
}

#[test]
fn a_start_that_takes_too_long_is_ended_without_draining_and_tried_again() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.launch("db");
    story.pass(30 * SECOND);
    let signal = Effect::StopStep {
        instance: story.instance("db"),
        step: 1,
    };
    assert!(story.effects.contains(&signal), "{:?}", story.effects);
    story.die("db", Exit::Signal(15));
    assert_eq!(story.launched(), ["db#2"]);
    assert_eq!(story.status("db").restarts, 1);
}

#[test]
fn a_ready_service_follows_its_post_start_command() {
    let mut spec = service("db", &[]);
    spec.startup.post_start = Some(command());
    let mut story = Story::of(vec![spec]);
    story.launch("db");
    story.probe("db", Phase::Readiness, Verdict::Pass);
    assert_eq!(story.effects, [Effect::PostStart(story.instance("db"))]);
    assert_eq!(story.state("db"), StateName::Starting);
    story.tell(Event::PostStarted {
        instance: story.instance("db"),
        result: Ok(()),
    });
    assert_eq!(story.state("db"), StateName::Ready);
}

#[test]
fn a_crash_is_followed_by_a_restart_at_once_when_nothing_is_left() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    story.exit("db", Exit::Signal(9));
    assert_eq!(story.launched(), [""; 0], "leftovers may live");
    assert!(
        story
            .effects
            .contains(&Effect::KillAll(story.instance("db")))
    );
    story.tell(Event::Emptied(story.instance("db")));
    assert_eq!(story.launched(), ["db#2"]);
}

#[test]
fn restarts_back_off_and_then_give_up_and_a_request_forgives() {
    let mut story = Story::of(vec![service("db", &[])]);
    for expected in [
        StateName::Starting,
        StateName::BackingOff,
        StateName::BackingOff,
    ] {
        story.launch("db");
        story.die("db", Exit::Code(1));
        assert_eq!(story.state("db"), expected);
        story.pass(10 * SECOND);
    }
    story.launch("db");
    story.die("db", Exit::Code(1));
    assert_eq!(story.state("db"), StateName::Failed);
    assert_eq!(story.status("db").reason, Reason::Exited(Exit::Code(1)));
    assert_eq!(story.machine.next_deadline(), None, "it has given up");
    story.ask(Request::Start(one("db")));
    assert_eq!(story.state("db"), StateName::Starting);
}

#[test]
fn staying_ready_earns_the_credit_back() {
    let mut story = Story::of(vec![service("db", &[])]);
    for _ in 0..10 {
        story.bring_up("db");
        story.pass(60 * SECOND);
        story.die("db", Exit::Code(1));
        assert_eq!(
            story.state("db"),
            StateName::Starting,
            "the first restart is at once"
        );
    }
}

#[test]
fn a_restart_of_what_it_requires_does_not_disturb_a_service() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    story.die("db", Exit::Signal(9));
    story.bring_up("db");
    assert_eq!(story.status("app").instance.generation, 1);
    assert_eq!(story.state("app"), StateName::Ready);
}

#[test]
fn a_service_that_says_so_restarts_with_what_it_requires() {
    let mut app = service("app", &["db"]);
    app.restart_with_requirements = true;
    let mut story = Story::of(vec![app, service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    story.die("db", Exit::Signal(9));
    assert_eq!(
        story.state("app"),
        StateName::Ready,
        "not before the new one is ready"
    );
    story.bring_up("db");
    assert_eq!(story.state("app"), StateName::Draining);
    assert_eq!(
        story.status("app").reason,
        Reason::RequirementRestarted(name("db"))
    );
    story.die("app", Exit::Clean);
    assert_eq!(story.launched(), ["app#2"]);
}

#[test]
fn liveness_probes_that_fail_in_a_row_make_unhealthy_and_one_that_passes_heals() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    for (verdict, state) in [
        (fail(), StateName::Ready),
        (fail(), StateName::Unhealthy),
        (Verdict::Pass, StateName::Ready),
        (fail(), StateName::Ready),
    ] {
        story.pass(10 * SECOND);
        story.probe("db", Phase::Liveness, verdict);
        assert_eq!(story.state("db"), state);
    }
}

#[test]
fn liveness_may_restart_a_service() {
    let mut spec = service("db", &[]);
    spec.liveness.as_mut().expect("it has one").restart_after = Some(2);
    let mut story = Story::of(vec![spec]);
    story.bring_up("db");
    for _ in 0..2 {
        story.pass(10 * SECOND);
        story.probe("db", Phase::Liveness, fail());
    }
    assert_eq!(story.state("db"), StateName::Draining);
    story.die("db", Exit::Clean);
    assert_eq!(story.launched(), ["db#2"]);
}

fn hung() -> Verdict {
    Verdict::Hung("no answer within 1s, and it does nothing".into())
}

#[test]
fn what_hangs_is_restarted_sooner_than_what_is_slow() {
    let mut spec = service("db", &[]);
    let liveness = spec.liveness.as_mut().expect("it has one");
    (liveness.restart_after, liveness.hung_after) = (Some(6), Some(2));
    let mut story = Story::of(vec![spec]);
    story.bring_up("db");
    // A look at which it worked begins the count anew.
    for verdict in [hung(), fail(), hung()] {
        story.pass(10 * SECOND);
        story.probe("db", Phase::Liveness, verdict);
        assert_ne!(story.state("db"), StateName::Stopping);
    }
    story.pass(10 * SECOND);
    let instance = story.instance("db");
    story.probe("db", Phase::Liveness, hung());
    // It cannot drain: the signal comes first, and with less patience.
    assert!(story.effects.contains(&Effect::StopStep {
        instance: instance.clone(),
        step: 1
    }));
    assert_eq!(story.state("db"), StateName::Stopping);
    story.pass(10 * SECOND);
    assert!(story.effects.contains(&Effect::KillAll(instance)));
    story.die("db", Exit::Signal(9));
    assert_eq!(story.launched(), ["db#2"]);
}

#[test]
fn what_hangs_counts_as_failing_where_nothing_else_is_said() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    for state in [StateName::Ready, StateName::Unhealthy, StateName::Unhealthy] {
        story.pass(10 * SECOND);
        story.probe("db", Phase::Liveness, hung());
        assert_eq!(story.state("db"), state);
    }
}

#[test]
fn a_stop_drains_then_signals_then_kills() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    let instance = story.instance("db");
    story.ask(Request::Stop(one("db")));
    assert_eq!(story.state("db"), StateName::Draining);
    assert!(story.effects.contains(&Effect::StopStep {
        instance: instance.clone(),
        step: 0
    }));
    story.tell(Event::StopStepDone {
        instance: instance.clone(),
        step: 0,
    });
    assert!(story.effects.contains(&Effect::StopStep {
        instance: instance.clone(),
        step: 1
    }));
    assert_eq!(story.pass(10 * SECOND), [Effect::KillAll(instance)]);
    story.die("db", Exit::Signal(9));
    assert_eq!(story.state("db"), StateName::Stopped);
    assert_eq!(story.machine.next_deadline(), None);
}

#[test]
fn all_are_stopped_with_dependants_first() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    story.ask(Request::Shutdown);
    assert_eq!(
        (story.state("app"), story.state("db")),
        (StateName::Draining, StateName::Ready)
    );
    story.die("app", Exit::Clean);
    assert_eq!(story.state("db"), StateName::Draining);
    story.die("db", Exit::Clean);
    assert_eq!(story.effects.last(), Some(&Effect::ShutdownComplete));
}

#[test]
fn stopping_one_leaves_its_dependants_alone() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    story.ask(Request::Stop(one("db")));
    story.die("db", Exit::Clean);
    assert_eq!(
        (story.state("app"), story.state("db")),
        (StateName::Ready, StateName::Stopped)
    );
}

#[test]
fn restarting_all_brings_everything_down_before_anything_comes_up() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    story.ask(Request::Restart(Target::All));
    story.die("app", Exit::Clean);
    assert_eq!(story.launched(), [""; 0]);
    assert_eq!(story.state("app"), StateName::Waiting);
    story.die("db", Exit::Clean);
    assert_eq!(story.launched(), ["db#2"]);
    story.bring_up("db");
    assert_eq!(story.launched(), ["app#2"]);
    assert_eq!(story.status("app").restarts, 0, "nobody's fault");
}

#[test]
fn a_start_during_a_stop_brings_it_up_afterwards() {
    let mut story = Story::of(vec![service("db", &[])]);
    story.bring_up("db");
    story.ask(Request::Stop(one("db")));
    story.ask(Request::Start(one("db")));
    story.die("db", Exit::Clean);
    assert_eq!(story.launched(), ["db#2"]);
}

#[test]
fn starting_one_starts_what_it_requires() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.launch("db");
    story.ask(Request::Stop(Target::All));
    story.die("db", Exit::Clean);
    story.ask(Request::Start(one("app")));
    assert_eq!(story.launched(), ["db#2"]);
}

#[test]
fn a_clean_exit_is_the_end_of_a_service_that_restarts_on_failure() {
    let mut spec = service("job", &[]);
    spec.restart.mode = RestartMode::OnFailure;
    let mut story = Story::of(vec![spec]);
    story.bring_up("job");
    story.die("job", Exit::Clean);
    assert_eq!(story.state("job"), StateName::Stopped);
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

#[test]
fn patience_lasts_until_the_last_deadline_of_what_is_under_way() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    let patience = |story: &Story| story.machine.patience();
    let second = |n: u32| Some(Time(n * SECOND));
    // The start of the database; the other waits for it.
    assert_eq!(patience(&story), second(30));
    story.pass(2 * SECOND);
    story.bring_up("db");
    assert_eq!(patience(&story), second(32));
    story.bring_up("app");
    assert_eq!(patience(&story), None);
    // The drain, then the signal, then what is killed.
    story.ask(Request::Shutdown);
    assert_eq!(patience(&story), second(7));
    story.pass(5 * SECOND);
    assert_eq!(patience(&story), second(17));
    story.pass(10 * SECOND);
    assert_eq!(patience(&story), second(77));
    story.die("app", Exit::Signal(9));
    assert_eq!(
        patience(&story),
        second(22),
        "now it is the database's turn"
    );
}

#[test]
fn a_pause_before_a_restart_is_waited_for_and_a_failure_is_not() {
    let mut story = Story::of(vec![service("db", &[])]);
    for _ in 0..3 {
        story.launch("db");
        story.die("db", Exit::Code(1));
        if story.state("db") == StateName::BackingOff {
            assert!(story.machine.patience() > Some(story.now));
            story.pass(100 * SECOND);
        }
    }
    story.launch("db");
    story.die("db", Exit::Code(1));
    assert_eq!(story.state("db"), StateName::Failed);
    assert_eq!(story.machine.patience(), None);
}

fn milestones(story: &Story, service: &str) -> Milestones {
    let mut starts = story.machine.starts();
    let found = starts.find(|start| start.instance.service.as_str() == service);
    found.expect("known").milestones
}

#[test]
fn each_step_of_a_start_has_its_moment() {
    let mut app = service("app", &["db", "cache"]);
    app.startup.post_start = Some(command());
    let mut story = Story::of(vec![app, service("cache", &[]), service("db", &[])]);
    let began = story.now;
    story.pass(SECOND);
    story.bring_up("cache");
    story.pass(SECOND);
    story.bring_up("db");
    let launched = story.now;
    assert_eq!(milestones(&story, "db").ready, Some(launched));
    story.launch("app");
    story.pass(SECOND);
    story.probe("app", Phase::Readiness, Verdict::Pass);
    let answered = story.now;
    assert_eq!(milestones(&story, "app").ready, None);
    story.pass(SECOND);
    story.tell(Event::PostStarted {
        instance: story.instance("app"),
        result: Ok(()),
    });
    let wanted = Milestones {
        wanted: Some(began),
        launched: Some(launched),
        waited_for: Some(name("db")),
        answered: Some(answered),
        ready: Some(story.now),
    };
    assert_eq!(milestones(&story, "app"), wanted);
    // An ill spell and a late answer of the probe are none of the start's.
    story.pass(10 * SECOND);
    story.probe("app", Phase::Liveness, fail());
    story.probe("app", Phase::Readiness, Verdict::Pass);
    assert_eq!(milestones(&story, "app"), wanted);
}

#[test]
fn the_next_start_has_moments_of_its_own_and_waits_for_nobody_who_was_ready_before() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    story.bring_up("db");
    story.bring_up("app");
    assert_eq!(
        milestones(&story, "app").waited_for,
        None,
        "in the same moment"
    );
    story.pass(SECOND);
    story.die("app", Exit::Code(1));
    let again = Milestones {
        wanted: Some(story.now),
        launched: Some(story.now),
        ..Milestones::default()
    };
    assert_eq!(milestones(&story, "app"), again);
}

#[test]
fn without_a_probe_nothing_was_answered() {
    let mut spec = service("db", &[]);
    spec.startup.readiness = None;
    let mut story = Story::of(vec![spec]);
    story.launch("db");
    let milestones = milestones(&story, "db");
    assert_eq!(
        (milestones.answered, milestones.ready),
        (None, Some(story.now))
    );
}

#[test]
fn a_service_is_expected_until_it_or_what_it_requires_has_failed_or_is_stopped() {
    let mut story = Story::of(vec![service("app", &["db"]), service("db", &[])]);
    let expected = |story: &Story| ["db", "app"].map(|s| story.machine.expects(&name(s)));
    // It waits for a start that is under way.
    assert_eq!(expected(&story), [true, true]);
    story.bring_up("db");
    story.bring_up("app");
    // On its way down to come up again.
    story.ask(Request::Restart(one("app")));
    assert_eq!(expected(&story), [true, true]);
    story.die("app", Exit::Clean);
    assert_eq!(story.launched(), ["app#2"]);
    story.bring_up("app");
    // Backing off.
    for _ in 0..2 {
        story.die("app", Exit::Code(1));
    }
    story.launch("app");
    assert_eq!(expected(&story), [true, true]);
    story.ask(Request::Stop(one("app")));
    assert_eq!(expected(&story), [true, false]);
    assert!(!story.machine.expects(&name("nobody")));
}

#[test]
fn a_service_that_waits_for_one_that_has_failed_is_not_expected() {
    let mut db = service("db", &[]);
    db.restart.burst = 0;
    let mut story = Story::of(vec![service("app", &["db"]), db, service("web", &["app"])]);
    story.launch("db");
    story.die("db", Exit::Code(1));
    assert_eq!(story.state("db"), StateName::Failed);
    for service in ["db", "app", "web"] {
        assert!(!story.machine.expects(&name(service)), "{service}");
    }
    // A request brings all of it back.
    story.ask(Request::Start(Target::All));
    for service in ["db", "app", "web"] {
        assert!(story.machine.expects(&name(service)), "{service}");
    }
}
