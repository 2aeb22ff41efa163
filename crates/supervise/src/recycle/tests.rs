use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const MB: u64 = 1_000_000;
const LIMIT: u64 = 400 * MB;
const NOON: u16 = 12 * 60;

/// An instance that is measured once a minute.
struct Story {
    watch: Watch,
    policy: RecyclePolicy,
    usage: Usage,
    now: Time,
    minute: u16,
}

impl Story {
    fn new() -> Self {
        Self {
            watch: Watch::new(Time::default()),
            policy: RecyclePolicy {
                every: MINUTE,
                youngest: MINUTE * 20,
                at: Some(4 * 60),
            },
            usage: Usage::default(),
            now: Time::default(),
            minute: NOON,
        }
    }

    /// Whether it is restarted a minute later, holding so much, with so much work in between.
    fn minute(&mut self, held: u64, work: Duration) -> Option<Leak> {
        self.now = self.now.after(MINUTE);
        self.usage.held = held;
        self.usage.cpu += work;
        self.watch.take(self.usage, &self.policy, self.now);
        let terms = Terms {
            policy: &self.policy,
            ceiling: LIMIT,
            stop: MINUTE,
            minute: self.minute,
        };
        self.watch.judge(&terms, self.now)
    }

    /// The first restart in so many minutes, and in which minute of the instance.
    fn minutes(
        &mut self,
        count: u64,
        held: impl Fn(u64) -> u64,
        work: Duration,
    ) -> Option<(u64, Leak)> {
        (0..count).find_map(|n| Some((n, self.minute(held(n), work)?)))
    }
}

const BUSY: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_millis(300);

#[test]
fn a_service_that_is_watched_costs_less_than_600_bytes() {
    assert!(size_of::<Watch>() <= 600, "{}", size_of::<Watch>());
    // And those that are not watched cost a pointer.
    assert_eq!(size_of::<Option<Box<Watch>>>(), size_of::<usize>());
}

#[test]
fn a_busy_service_that_leaks_is_restarted_at_the_last_moment() {
    // 100 MB and 2 more each minute: full after 150 minutes.
    let found = Story::new().minutes(200, |n| (100 + 2 * n) * MB, BUSY);
    let (minute, leak) = found.expect("it leaks");
    assert_eq!(leak.chance, Chance::Last);
    assert!((140..149).contains(&minute), "{minute}");
    assert!(leak.left().unwrap() < MINUTE * 6, "{leak}");
}

#[test]
fn an_idle_one_is_restarted_once_it_is_two_thirds_full() {
    let found = Story::new().minutes(200, |n| (100 + 2 * n) * MB, IDLE);
    let (minute, leak) = found.expect("it leaks");
    assert_eq!((leak.chance, minute), (Chance::Idle, 84));
    assert_eq!(
        leak.to_string(),
        "restarted by plan while it is idle: it holds 268 MB of 400 MB, 112 MB when it was \
         fresh, and grows by 120 MB an hour: full in 66 min"
    );
}

#[test]
fn one_that_is_busy_for_a_moment_is_not_idle() {
    let mut story = Story::new();
    story.minutes(83, |n| (100 + 2 * n) * MB, IDLE);
    assert_eq!(story.minute(268 * MB, BUSY), None);
    let idle = (0..6).find(|n| story.minute((270 + 2 * n) * MB, IDLE).is_some());
    assert_eq!(idle, Some(4));
}

#[test]
fn the_set_hour_is_for_what_would_not_last_until_the_next() {
    for (per_hour, restarted) in [(12, true), (5, false)] {
        let mut story = Story::new();
        // Six hours from 180 MB on.
        let held = |n| 180 * MB + n * per_hour * MB / 60;
        assert_eq!(story.minutes(360, held, BUSY), None);
        story.minute = 4 * 60 + 59;
        let at_four = story.minutes(1, |n| held(360 + n), BUSY);
        assert_eq!(
            at_four.map(|(_, leak)| leak.chance),
            restarted.then_some(Chance::Hour)
        );
        story.minute = 5 * 60;
        assert_eq!(story.minutes(1, |n| held(361 + n), BUSY), None);
    }
}

#[test]
fn an_instance_that_began_in_the_set_hour_waits_for_the_next_day() {
    let mut story = Story::new();
    story.minute = 4 * 60;
    let held = |n| (100 + 2 * n) * MB;
    let found = story.minutes(100, held, BUSY);
    assert_eq!(
        found.map(|(n, leak)| (n, leak.chance)),
        Some((59, Chance::Hour))
    );
}

#[test]
fn the_hour_may_span_midnight() {
    assert!(within(23 * 60 + 50, 23 * 60 + 30) && within(10, 23 * 60 + 30));
    assert!(!within(30, 23 * 60 + 30) && !within(23 * 60 + 29, 23 * 60 + 30));
}

#[test]
fn a_young_instance_is_left_alone_however_fast_it_grows() {
    let found = Story::new().minutes(100, |n| (100 + 14 * n).min(399) * MB, BUSY);
    assert_eq!(found.map(|(minute, _)| minute), Some(19));
}

#[test]
fn who_uses_nearly_all_and_grows_no_more_is_left_alone() {
    let mut story = Story::new();
    let full = |n| LIMIT - MB * (n % 3);
    assert_eq!(story.minutes(3000, full, IDLE), None);
    story.usage.at_limit += 1;
    // The kernel looks for memory, and a restart would find no more than there is now.
    assert_eq!(story.minute(LIMIT, IDLE), None);
}

#[test]
fn one_that_stands_still_at_its_limit_is_restarted_if_a_fresh_one_holds_less() {
    for stalled in [true, false] {
        let mut story = Story::new();
        // Full after 25 minutes, of which it was busy with memory at the end.
        let held = |n: u64| if n < 60 { 200 * MB } else { 390 * MB };
        assert_eq!(story.minutes(120, held, BUSY), None);
        if stalled {
            story.usage.stalled += Duration::from_secs(20);
        } else {
            story.usage.at_limit += 3;
        }
        let leak = story.minute(390 * MB, BUSY).expect("it is at its limit");
        assert_eq!((leak.chance, leak.per_hour), (Chance::Last, 0));
        assert!(
            leak.to_string()
                .ends_with("the kernel is at work to find more")
        );
        // Once, and not again unless it happens again.
        assert_eq!(story.minute(390 * MB, BUSY), None);
    }
}

#[test]
fn instances_that_are_over_soon_make_the_next_ones_wait_until_one_is_killed() {
    let mut story = Story::new();
    let mut lasted = Vec::new();
    for _ in 0..3 {
        let born = story.now;
        story.watch.renew(born);
        let held = |n: u64| (100 + 5 * n) * MB;
        story.minutes(1000, held, BUSY).expect("it leaks");
        lasted.push(story.now.since(born).as_secs() / 60);
        story.watch.recycled(&story.policy, story.now);
    }
    assert_eq!(lasted[0], lasted[1], "{lasted:?}");
    // Full after an hour; the third waits for an hour and twenty minutes.
    assert_eq!(lasted[2], 80, "{lasted:?}");
    story.watch.killed();
    for _ in 0..4 {
        let born = story.now;
        story.watch.renew(born);
        story
            .minutes(60, |n| (100 + 5 * n) * MB, BUSY)
            .expect("it leaks");
        story.watch.recycled(&story.policy, story.now);
    }
}

#[test]
fn the_limit_that_counts_is_the_one_that_comes_first() {
    let of = |memory_max, memory_high| {
        ceiling(&Limits {
            memory_max,
            memory_high,
            ..Limits::default()
        })
    };
    assert_eq!(of(None, None), None);
    assert_eq!(of(Some(5), None), Some(5));
    assert_eq!(of(Some(5), Some(3)), Some(3));
    assert_eq!(of(None, Some(3)), Some(3));
}
