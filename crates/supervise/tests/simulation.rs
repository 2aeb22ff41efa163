//! The machine against a world that does its worst: random services, random events, and after each
//! event the promises that must hold.
//!
//! Every run follows from its seed. A failure prints the seed and the log of events, one JSON value a
//! line; `SIMULATION_SEED=<seed>` runs that one again, and `SIMULATION_RUNS=<n>` as many as you like.

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
        eprintln!("{}", world.log());
        let variable = if world.mortal() {
            "MORTAL_SEED"
        } else {
            "SIMULATION_SEED"
        };
        eprintln!("the seed was {seed}: {variable}={seed} runs it again");
        panic::resume_unwind(cause);
    }
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
