//! The machine against a world in which everything goes wrong: random services, random events, and after
//! each event the promises that must hold.
//!
//! Every run follows from its seed. A failure prints the seed and writes the story of the run to a file
//! (`story`): each event with its effects and the states after it, up to the promise that was broken.
//!
//! | variable | what it does |
//! |---|---|
//! | `SIMULATION_STORY=<file>` | the test `replay` repeats that story and prints each step |
//! | `SIMULATION_STEP=<n>` | with it: prints all that the machine knows after that step |
//! | `SIMULATION_SEED=<seed>` | runs that one; `MORTAL_SEED` with a supervisor that dies, `LEAKS_SEED` with leaks |
//! | `SIMULATION_RUNS=<n>` | runs so many; likewise `MORTAL_RUNS` and `LEAKS_RUNS` |

mod answers;
mod coverage;
mod dice;
mod invariants;
mod leaks;
mod picture;
mod services;
mod story;
mod world;

use std::{any::Any, env, panic, path::Path};

use story::{Aloud, Kind, Story};
use world::World;

const RUNS: u64 = 1_500;
const EVENTS: usize = 250;
/// Each of these runs simulates days of measurements.
const LEAKS: u64 = 40;

fn variable(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|e| panic!("{name}={text}: {e}")),
    )
}

/// A random phase, then perhaps a calm one, then a shutdown.
fn whole(world: &mut World, seed: u64) {
    world.begin();
    for _ in 0..EVENTS {
        world.chaos();
    }
    if !seed.is_multiple_of(3) {
        world.calm();
        invariants::a_failed_service_never_blocks_an_independent_one(world);
        invariants::the_newest_specifications_are_in_force(world);
        invariants::who_runs_has_what_was_last_said(world);
    }
    world.shut_down();
    invariants::stop_always_ends(world);
}

/// The broken promise, if there is one.
type Outcome = Result<(), Box<dyn Any + Send>>;

/// Simulates the run that follows from a seed, and writes its story if there is one to write to.
fn live(kind: Kind, seed: u64, story: Option<Story>) -> (Outcome, Option<Story>) {
    let (outcome, mut story) = match kind {
        Kind::Chaos | Kind::Mortal => {
            let mut world = World::new(seed, kind == Kind::Mortal);
            world.story = story;
            let all = panic::AssertUnwindSafe(|| whole(&mut world, seed));
            (panic::catch_unwind(all), world.story)
        }
        Kind::Leaks => leaks::live(seed, story),
    };
    if let (Err(cause), Some(story)) = (&outcome, &mut story) {
        story.broken(cause.as_ref());
    }
    (outcome, story)
}

/// Repeats a run that has failed, to write its story.
fn run(kind: Kind, seed: u64) {
    let Err(cause) = live(kind, seed, None).0 else {
        return;
    };
    eprintln!("the same once more, to write down its story:");
    let (_, story) = live(kind, seed, Some(Story::new(kind, seed)));
    match story.expect("it was given one").write() {
        Ok(path) => eprintln!(
            "the story of it: {path}\nthis replays it step by step:\n\
             SIMULATION_STORY={path} ./test tests -- -p supervise --test simulation replay",
            path = path.display()
        ),
        Err(error) => eprintln!("the story of it cannot be written: {error}"),
    }
    eprintln!("the seed was {}={seed}", kind.seed());
    panic::resume_unwind(cause);
}

/// The seed that was asked for, or the first ones.
fn runs(kind: Kind, count: u64) {
    match variable(kind.seed()) {
        Some(seed) => run(kind, seed),
        None => (0..count).for_each(|seed| run(kind, seed)),
    }
}

#[test]
fn every_promise_holds_whatever_happens() {
    runs(Kind::Chaos, variable("SIMULATION_RUNS").unwrap_or(RUNS));
}

#[test]
fn every_promise_holds_if_the_supervisor_dies_between_any_two_effects() {
    runs(Kind::Mortal, variable("MORTAL_RUNS").unwrap_or(RUNS));
}

#[test]
fn no_leak_is_left_to_the_kernel_and_nobody_else_is_restarted_for_one() {
    runs(Kind::Leaks, variable("LEAKS_RUNS").unwrap_or(LEAKS));
}

#[test]
fn the_chaos_is_not_tame() {
    let mut seen = coverage::Coverage::default();
    for seed in 0..500 {
        let mut world = World::new(seed, false);
        world.begin();
        for _ in 0..EVENTS {
            world.chaos();
        }
        seen.add(&world);
    }
    seen.check();
}

/// Repeats a story that was written down. Returns the outcome, and the story of the repetition.
fn replayed(path: &Path, aloud: Option<Aloud>) -> Result<(Outcome, Story), String> {
    let story = Story::again(path, aloud)?;
    let (outcome, story) = live(story.kind, story.seed, Some(story));
    Ok((outcome, story.expect("it was given one")))
}

/// Without a file this does nothing: it is for people (CONTRIBUTING.md).
#[test]
fn replay() {
    let Some(path) = env::var_os("SIMULATION_STORY") else {
        return;
    };
    let shows = variable("SIMULATION_STEP").and_then(|step| usize::try_from(step).ok());
    let (outcome, story) =
        replayed(Path::new(&path), Some(Aloud { shows })).unwrap_or_else(|why| panic!("{why}"));
    if let Some(step) = story.apart() {
        story::say(&format!(
            "-- step {step} is the first that is not as it was written down\n"
        ));
    }
    if let Err(cause) = outcome {
        panic::resume_unwind(cause);
    }
    story::say("-- no promise is broken any more\n");
}

#[test]
fn a_story_has_each_event_with_what_came_of_it_and_is_the_same_each_time() {
    let tell = |kind| {
        let mut world = World::new(7, kind == Kind::Mortal);
        world.story = Some(Story::new(kind, 7));
        whole(&mut world, 7);
        let others = u64::from(world.deaths) + world.reconfigured;
        (
            world.events.len() as u64 + others,
            world.story.expect("it was given"),
        )
    };
    let (steps, story) = tell(Kind::Mortal);
    let lines = || story.text().lines();
    let begins = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit());
    assert_eq!(lines().filter(begins).count() as u64, steps);
    let times = |text: &str| lines().filter(|line| line.contains(text)).count();
    assert!(times("the supervisor dies") > 0 && times("the configuration changes") > 0);
    assert!(times("    -> {\"launch\"") > 5, "{}", story.text());
    assert_eq!(tell(Kind::Mortal).1.text(), story.text());
}

#[test]
fn a_replay_says_where_it_goes_another_way_than_was_written_down() {
    for kind in [Kind::Chaos, Kind::Mortal] {
        let (_, story) = live(kind, 2, Some(Story::new(kind, 2)));
        let path = story.expect("it was given one").write().expect("a folder");
        let (outcome, same) = replayed(&path, None).expect("it was written just now");
        assert!(outcome.is_ok() && same.apart().is_none());
        let other = same.text().replace("\n9 at ", "\n9 (changed) at ");
        assert_ne!(other, same.text());
        std::fs::write(&path, other).expect("a file of ours");
        assert_eq!(replayed(&path, None).expect("it is one").1.apart(), Some(9));
        std::fs::write(&path, "SIMULATION_SEED=many\n").expect("a file of ours");
        let refused = replayed(&path, None).expect_err("it has no seed");
        assert!(
            refused.ends_with("found \"SIMULATION_SEED=many\""),
            "{refused}"
        );
        std::fs::remove_file(&path).expect("a file of ours");
    }
}
