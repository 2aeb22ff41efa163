//! Whether a service leaks, and when it is best restarted for it: before the kernel has to kill it.
//!
//! Pure: measurements in, a judgement out. What counts is memory that the kernel cannot take back
//! ([`Usage::held`]) against the limit at which it kills, or stands still ([`ceiling`]).
//!
//! ```text
//!  launched ── ready ───── half of youngest ───── youngest ───────────────▶
//!                  warms up │  what a fresh instance holds │ may be restarted
//! ```
//!
//! An instance is restarted only if
//! - it is old enough, and holds so much more than when it was fresh that a restart helps;
//! - and its memory is about to be used up, by what it has grown lately, or is used up and the
//!   kernel is at work for it: *at once*;
//! - or it would be used up within a day, by what it has grown for long, and the service has nothing
//!   to do, or the hour has come that was set for it: *by plan*.
//!
//! A service whose memory fills up once and then stays is not restarted for ever: an instance that is
//! over again too soon makes the next ones wait twice as long each, until one of them shows that it
//! stays below the limit, or is killed; then it is known that restarts are the lesser evil.
//!
//! The machine asks ([`Effect::Measure`](crate::effect::Effect::Measure)) and decides whose turn it
//! is; see `machine::recycling`.

mod policy;
mod trend;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{spec::Limits, time::Time};
use trend::Trend;

pub use policy::RecyclePolicy;

/// If the memory will be used up within this time, a restart is planned.
const HORIZON: Duration = Duration::from_secs(24 * 3600);
/// The hour that the configuration sets lasts this long, so that at least one measurement falls into it.
const HOUR: u16 = 60;
/// Minutes in a day.
const DAY: u16 = 24 * 60;
/// A service that uses less than this many thousandths of a CPU is quiet: its timers and the answers to the
/// probes need that much.
const QUIET_MILLI: u128 = 25;
/// A service that was quiet for this many measurements in a row is idle.
const QUIET_FOR: u8 = 5;
/// If processes waited for memory for more than this many thousandths of the time, the kernel is busy with
/// finding memory.
const STALLED_MILLI: u128 = 50;
/// If a recycled instance fills its memory again within this many times the youngest age, the restart did
/// not help.
const WORTH: u32 = 8;
/// The limit of the wait that such restarts cause: two to the power of this.
const MOST_STRIKES: u32 = WORTH.trailing_zeros();

/// What an instance uses at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes that the kernel cannot take back: what is in use but for files' pages and slab that can
    /// be reclaimed.
    pub held: u64,
    /// How often its memory has met a limit so far.
    pub at_limit: u64,
    /// How long some process of it has waited for memory so far (PSI); zero where nobody counts.
    pub stalled: Duration,
    /// Processor time so far.
    pub cpu: Duration,
}

/// Why a restart is planned: with the numbers, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// What makes this the moment.
    pub chance: Chance,
    /// Bytes that the instance holds.
    pub held: u64,
    /// Bytes that it held when it was fresh.
    pub fresh: u64,
    /// The limit, in bytes.
    pub limit: u64,
    /// Bytes that it grows by in an hour; zero if it grows no more.
    pub per_hour: u64,
}

/// What makes a moment the right one for a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chance {
    /// It has nothing to do.
    Idle,
    /// The hour that was set has come.
    Hour,
    /// There is no time left to wait for a better one.
    Last,
}

impl Leak {
    /// How long until the limit is reached, if it grows.
    pub fn left(&self) -> Option<Duration> {
        time_to_grow(self.limit.saturating_sub(self.held), self.per_hour)
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chance = match self.chance {
            Chance::Idle => "while it is idle",
            Chance::Hour => "at the hour set for it",
            Chance::Last => "before it runs out of memory",
        };
        let (held, limit) = (Megabytes(self.held), Megabytes(self.limit));
        let fresh = Megabytes(self.fresh);
        write!(
            f,
            "restarted by plan {chance}: it holds {held} of {limit}, {fresh} when it was fresh"
        )?;
        match self.left() {
            Some(left) => write!(
                f,
                ", and grows by {} an hour: full in {}",
                Megabytes(self.per_hour),
                Rough(left)
            ),
            None => f.write_str(", and the kernel is at work to find more"),
        }
    }
}

/// In whole megabytes.
struct Megabytes(u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MB", self.0 / 1_000_000)
    }
}

/// A time in its largest unit.
struct Rough(Duration);

impl fmt::Display for Rough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ ..120 => write!(f, "{seconds} s"),
            seconds @ ..7200 => write!(f, "{} min", seconds / 60),
            seconds => write!(f, "{} h", seconds / 3600),
        }
    }
}

/// The limit that counts, in bytes: where the kernel kills, or where it lets a service stand still,
/// whichever comes first.
pub fn ceiling(limits: &Limits) -> Option<u64> {
    match (limits.memory_max, limits.memory_high) {
        (Some(max), Some(high)) => Some(max.min(high)),
        (max, high) => max.or(high),
    }
}

/// What a judgement goes by besides the measurements.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// How the service is watched.
    pub policy: &'a RecyclePolicy,
    /// Its limit, in bytes.
    pub ceiling: u64,
    /// How long a stop may take.
    pub stop: Duration,
    /// The minute of the day, local time.
    pub minute: u16,
}

/// What is known of a service's memory: of the instance that is ready, and what earlier ones taught.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watch {
    ready_at: Time,
    trend: Trend,
    last: Option<(Time, Usage)>,
    /// What it held when it was half of the youngest age.
    fresh: Option<u64>,
    /// Measurements in a row in which it had nothing to do.
    quiet: u8,
    /// The most that it has grown by from one measurement to the next, since it was fresh.
    jump: u64,
    /// Whether the kernel had to look for memory since the measurement before.
    pressed: bool,
    /// The instance before was ended by [`Watch::recycled`].
    renewed: bool,
    /// Recycled instances in a row that were over too soon.
    strikes: u32,
    /// An instance that was made to wait was killed: none is made to wait any more.
    proven: bool,
}

impl Watch {
    /// Of a service that was never seen before, and is ready now.
    pub const fn new(now: Time) -> Self {
        Self {
            ready_at: now,
            trend: Trend::new(),
            last: None,
            fresh: None,
            quiet: 0,
            jump: 0,
            pressed: false,
            renewed: false,
            strikes: 0,
            proven: false,
        }
    }

    /// Another instance of it is ready.
    #[must_use]
    fn next_instance(&self, now: Time, renewed: bool) -> Self {
        Self {
            renewed,
            strikes: self.strikes,
            proven: self.proven,
            ..Self::new(now)
        }
    }

    /// Another instance of it is ready, after one that ended in another way than by a plan.
    pub fn begin(&mut self, now: Time) {
        *self = self.next_instance(now, false);
    }

    /// Another instance of it is ready, after one that was ended by plan.
    pub fn renew(&mut self, now: Time) {
        *self = self.next_instance(now, true);
    }

    /// This instance is ended by plan.
    pub fn recycled(&mut self, policy: &RecyclePolicy, now: Time) {
        let soon = now.since(self.ready_at) < policy.youngest * WORTH;
        self.strikes = if self.renewed && soon && !self.proven {
            (self.strikes + 1).min(MOST_STRIKES)
        } else {
            self.strikes.saturating_sub(1)
        };
    }

    /// The kernel has killed this instance for its memory.
    pub const fn killed(&mut self) {
        self.proven |= self.strikes > 0;
        self.strikes = 0;
    }

    /// Takes in what the instance uses now.
    pub fn take(&mut self, usage: Usage, policy: &RecyclePolicy, now: Time) {
        let age = now.since(self.ready_at);
        self.trend.add(age, usage.held);
        if self.fresh.is_none() && age >= policy.youngest / 2 {
            self.fresh = Some(self.trend.floor());
        }
        if let Some((then, before)) = self.last.replace((now, usage)) {
            let share =
                |part: Duration| part.as_micros() * 1000 / now.since(then).as_micros().max(1);
            if self.fresh.is_some() {
                self.jump = self.jump.max(usage.held.saturating_sub(before.held));
            }
            let busy = share(usage.cpu.saturating_sub(before.cpu)) >= QUIET_MILLI;
            self.quiet = if busy {
                0
            } else {
                self.quiet.saturating_add(1)
            };
            let stalled = share(usage.stalled.saturating_sub(before.stalled)) >= STALLED_MILLI;
            self.pressed = stalled || usage.at_limit > before.at_limit;
        }
    }

    /// Whether it is to be restarted now, and why.
    pub fn judge(&self, terms: &Terms<'_>, now: Time) -> Option<Leak> {
        let policy = terms.policy;
        let age = now.since(self.ready_at);
        let (_, Usage { held, .. }) = self.last?;
        let fresh = self.fresh?;
        if age < policy.youngest * (1 << self.strikes) || !self.would_help(fresh, terms.ceiling) {
            return None;
        }
        let leak = |chance, per_hour| Leak {
            chance,
            held,
            fresh,
            limit: terms.ceiling,
            per_hour,
        };
        let (now_by, long_by) = (self.trend.growth_now(), self.trend.growth_for_long());
        let fastest = now_by.max(long_by);
        let room = terms.ceiling.saturating_sub(held);
        let lead = policy.every * 3 + terms.stop;
        let no_time = |per_hour: u64| {
            room <= self.jump || time_to_grow(room, per_hour).is_some_and(|left| left <= lead)
        };
        if fastest.is_some_and(no_time) || (self.pressed && room <= terms.ceiling / 10) {
            return Some(leak(Chance::Last, fastest.unwrap_or(0)));
        }
        let by = long_by?;
        if time_to_grow(room, by)? > HORIZON {
            return None;
        }
        // An instance that began in this hour is not what was meant.
        let lived = age >= Duration::from_secs(u64::from(HOUR) * 60);
        if lived && policy.at.is_some_and(|at| within(terms.minute, at)) {
            return Some(leak(Chance::Hour, by));
        }
        // Earlier there will be other idle moments.
        let idle = self.quiet >= QUIET_FOR && room <= terms.ceiling / 3;
        idle.then(|| leak(Chance::Idle, by))
    }

    /// Whether a fresh instance would hold so much less that a restart is worth it: by a tenth of the
    /// limit, or by half of what a fresh one has up to it.
    fn would_help(&self, fresh: u64, ceiling: u64) -> bool {
        let worth = (ceiling / 10).min(ceiling.saturating_sub(fresh) / 2);
        self.trend.floor().saturating_sub(fresh) >= worth.max(ceiling / 50)
    }
}

/// Whether a minute of the day is in the hour that begins at another.
const fn within(minute: u16, at: u16) -> bool {
    (minute + DAY - at) % DAY < HOUR
}

/// How long it takes to grow by so many bytes.
fn time_to_grow(bytes: u64, per_hour: u64) -> Option<Duration> {
    let seconds = (u128::from(bytes) * 3600).checked_div(u128::from(per_hour))?;
    Some(Duration::from_secs(
        u64::try_from(seconds).unwrap_or(u64::MAX),
    ))
}

#[cfg(test)]
mod tests;
