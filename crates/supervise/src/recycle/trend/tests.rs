use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const MB: u64 = 1_000_000;

/// One measurement a minute.
fn trend(held: impl IntoIterator<Item = u64>) -> Trend {
    let mut trend = Trend::new();
    for (minute, bytes) in (1..).zip(held) {
        trend.add(MINUTE * minute, bytes);
    }
    trend
}

fn near(found: Option<u64>, wanted: u64) -> bool {
    found.is_some_and(|found| found.abs_diff(wanted) <= wanted / 20)
}

#[test]
fn it_fits_into_a_few_hundred_bytes() {
    assert!(size_of::<Trend>() < 512, "{}", size_of::<Trend>());
}

#[test]
fn little_says_nothing() {
    assert_eq!(trend([]).growth_now(), None);
    assert_eq!(trend([]).floor(), 0);
    assert_eq!(trend((0..7).map(|n| n * MB)).growth_now(), None);
    assert!(trend((0..8).map(|n| n * MB)).growth_now().is_some());
}

#[test]
fn what_fills_once_and_stays_does_not_grow_for_long() {
    let filled = |minute: u64| 100 * MB + 200 * MB * minute.min(120) / 120;
    let after = |minutes| trend((0..minutes).map(filled));
    assert!(near(after(120).growth_for_long(), 100 * MB));
    assert_eq!(after(400).growth_for_long(), None);
    assert_eq!(after(400).growth_now(), None);
}

#[test]
fn a_leak_that_begins_after_days_is_seen_at_once_by_the_newest() {
    let late = |minute: u64| 100 * MB + MB * minute.saturating_sub(5000);
    let trend = trend((0..5020).map(late));
    assert!(near(trend.growth_now(), 60 * MB));
    assert_eq!(trend.growth_for_long(), None);
}

#[test]
fn a_measurement_of_the_same_moment_or_an_earlier_one_counts_for_nothing() {
    let mut trend = trend((0..20).map(|n| n * MB));
    let before = trend.growth_now();
    trend.add(MINUTE * 3, 0);
    trend.add(MINUTE * 20, 0);
    assert_eq!(trend.growth_now(), before);
    assert_eq!(trend.floor(), 16 * MB / 1024 * 1024);
}

proptest! {
    #[test]
    fn an_even_growth_is_found_however_long_it_lasts(
        from in 0..1000 * MB,
        per_minute in MB / 100..10 * MB,
        minutes in 16..5000_u64,
    ) {
        let trend = trend((0..minutes).map(|n| from + n * per_minute));
        prop_assert!(near(trend.growth_now(), per_minute * 60), "{:?}", trend.growth_now());
        prop_assert!(near(trend.growth_for_long(), per_minute * 60), "{:?}", trend.growth_for_long());
    }

    #[test]
    fn bursts_hide_no_growth_and_are_none(
        per_minute in prop_oneof![Just(0), MB / 10..MB],
        bursts in proptest::collection::vec(0..10_u64, 2000),
    ) {
        // One in ten is 300 MB above the rest; the floor is what counts.
        let held = (0..).zip(&bursts).map(|(n, burst)| {
            100 * MB + n * per_minute + if *burst == 0 { 300 * MB } else { 0 }
        });
        let found = trend(held).growth_for_long();
        if per_minute == 0 {
            prop_assert_eq!(found, None);
        } else {
            prop_assert!(near(found, per_minute * 60), "{:?}", found);
        }
    }

    #[test]
    fn what_shrinks_or_stays_does_not_grow(
        from in 500 * MB..1000 * MB,
        less in 0..MB / 10,
        minutes in 0..5000_u64,
    ) {
        let trend = trend((0..minutes).map(|n| from - n * less));
        prop_assert_eq!(trend.growth_now(), None);
        prop_assert_eq!(trend.growth_for_long(), None);
    }

    #[test]
    fn no_measurement_makes_it_panic(
        held in proptest::collection::vec((any::<u32>(), any::<u64>()), 0..300),
    ) {
        let mut trend = Trend::new();
        let mut age = Duration::ZERO;
        for (seconds, bytes) in held {
            age += Duration::from_secs(seconds.into());
            trend.add(age, bytes);
            let _ = (trend.growth_now(), trend.growth_for_long(), trend.floor());
        }
    }
}
