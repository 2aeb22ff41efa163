//! The machine against a world that does its worst: random services, random events, and after each
//! event the promises that must hold.
//!
//! Every run follows from its seed. A failure prints the seed, and writes the story of that run to a file:
//! each event with its effects and the states after it, up to the promise that was broken.
//! `SIMULATION_SEED=<seed>` runs it again, `MORTAL_SEED=<seed>` with a supervisor that dies, and
//! `SIMULATION_RUNS=<n>` and `MORTAL_RUNS=<n>` as many as you like.

#[path = "simulation/answers.rs"]
mod answers;
#[path = "simulation/coverage.rs"]
mod coverage;
#[path = "simulation/dice.rs"]
mod dice;
#[path = "simulation/invariants.rs"]
mod invariants;
#[path = "simulation/leaks.rs"]
mod leaks;
#[path = "simulation/picture.rs"]
mod picture;
#[path = "simulation/services.rs"]
mod services;
#[path = "simulation/world.rs"]
mod world;

use std::{env, panic};

use world::World;

const RUNS: u64 = 1_500;
const EVENTS: usize = 250;
/// Each of them is days of measurements.
const LEAKS: u64 = 40;

fn variable(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|e| panic!("{name}={text}: {e}")),
    )
}

/// Chaos, then calm or none, then a shutdown.
fn run(mut world: World, seed: u64) {
    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        world.begin();
        for _ in 0..EVENTS {
            world.chaos();
        }
        if !seed.is_multiple_of(3) {
            world.calm();
            invariants::a_failed_service_never_blocks_an_independent_one(&world);
            invariants::the_newest_specifications_are_in_force(&world);
            invariants::who_runs_has_what_was_last_said(&world);
        }
        world.shut_down();
        invariants::stop_always_ends(&world);
    }));
    if let Err(cause) = outcome {
        if world.story.is_none() {
            told(&world, seed);
        }
        let variable = if world.mortal() {
            "MORTAL_SEED"
        } else {
            "SIMULATION_SEED"
        };
        eprintln!("the seed was {seed}: {variable}={seed} runs it again");
        panic::resume_unwind(cause);
    }
}

/// The world of this kind that follows from a seed, which tells its story.
fn telling(mortal: bool, seed: u64) -> World {
    let mut world = if mortal {
        World::of_a_mortal(seed)
    } else {
        World::new(seed)
    };
    world.story = Some(String::new());
    world
}

/// Lives through a run that has failed once more, and writes down its story.
fn told(failed: &World, seed: u64) {
    let mut world = telling(failed.mortal(), seed);
    let again = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        world.begin();
        for _ in 0..EVENTS {
            world.chaos();
        }
        if !seed.is_multiple_of(3) {
            world.calm();
        }
        world.shut_down();
    }));
    drop(again);
    let path = format!("{}/simulation-{seed}.story", env!("CARGO_TARGET_TMPDIR"));
    let story = world.story.unwrap_or_default();
    match std::fs::write(&path, story) {
        Ok(()) => eprintln!("the story of it, step by step: {path}"),
        Err(error) => eprintln!("the story cannot be written to {path}: {error}"),
    }
}

#[test]
fn a_story_has_each_event_with_what_came_of_it_and_is_the_same_each_time() {
    let tell = || {
        let mut world = telling(true, 7);
        world.begin();
        for _ in 0..EVENTS {
            world.chaos();
        }
        (
            world.events.len(),
            world.deaths,
            world.story.unwrap_or_default(),
        )
    };
    let (events, deaths, story) = tell();
    let times = |text: &str| story.lines().filter(|line| line.starts_with(text)).count();
    assert_eq!(
        times("the supervisor dies"),
        usize::try_from(deaths).expect("few")
    );
    let quiet = story.lines().filter(|line| line.starts_with(' ')).count();
    assert_eq!(
        story.lines().count() - quiet,
        events + times("the supervisor dies")
    );
    assert!(deaths > 0 && times("    -> {\"launch\"") > 5, "{story}");
    assert_eq!(tell().2, story);
}

#[test]
fn every_promise_holds_whatever_happens() {
    if let Some(seed) = variable("SIMULATION_SEED") {
        return run(World::new(seed), seed);
    }
    for seed in 0..variable("SIMULATION_RUNS").unwrap_or(RUNS) {
        run(World::new(seed), seed);
    }
}

#[test]
fn every_promise_holds_if_the_supervisor_dies_between_any_two_effects() {
    if let Some(seed) = variable("MORTAL_SEED") {
        return run(World::of_a_mortal(seed), seed);
    }
    for seed in 0..variable("MORTAL_RUNS").unwrap_or(RUNS) {
        run(World::of_a_mortal(seed), seed);
    }
}

#[test]
fn no_leak_is_left_to_the_kernel_and_nobody_else_is_restarted_for_one() {
    if let Some(seed) = variable("LEAKS_SEED") {
        return leaks::run(seed);
    }
    for seed in 0..variable("LEAKS_RUNS").unwrap_or(LEAKS) {
        leaks::run(seed);
    }
}

#[test]
fn the_chaos_is_not_tame() {
    let mut seen = coverage::Coverage::default();
    for seed in 0..500 {
        let mut world = World::new(seed);
        world.begin();
        for _ in 0..EVENTS {
            world.chaos();
        }
        seen.add(&world);
    }
    seen.check();
}
