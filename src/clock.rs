//! The only place that reads the time.

use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};
use supervise::event::Time;
use tokio::time::Instant;

use crate::publish::Now;

/// The daemon's clock: the time since the daemon began, and that time as a date. It goes on while the
/// machine is suspended, and every process of one boot can read it: a daemon that continues an earlier one
/// (`Machine::resume`) takes over the earlier one's beginning.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// When it began, on the kernel's clock that counts from the boot.
    began: Duration,
}

impl Clock {
    /// Begins now.
    pub fn start() -> Self {
        Self { began: boot_time() }
    }

    /// Now.
    pub fn now(&self) -> Time {
        Time(boot_time().saturating_sub(self.began))
    }

    /// This point in time on tokio's clock. That clock does not count while the machine is suspended, so
    /// after a suspension this is a little late.
    pub fn instant(&self, time: Time) -> Instant {
        Instant::now() + time.since(self.now())
    }

    /// The points in time at which the kernel's monotonic clock showed `times`. `None` for one before the
    /// daemon began. Both clocks are read only once, so that the order of the times is kept.
    pub fn of_monotonic<const N: usize>(&self, times: [Duration; N]) -> [Option<Time>; N] {
        let (now, monotonic) = (self.now(), monotonic());
        times.map(|time| {
            let ago = monotonic.saturating_sub(time);
            now.0.checked_sub(ago).map(Time)
        })
    }

    /// The time now, on this clock and as a date.
    pub fn reading(&self) -> Now {
        Now {
            time: self.now(),
            wall: wall(),
        }
    }
}

/// The kernel's clock that counts from the boot, also while the machine is suspended.
fn boot_time() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
    // Linux has this clock since 2.6.39.
    time.unwrap_or_default()
}

/// The kernel's monotonic clock. systemd reads the same one, so it is used in messages to systemd.
pub fn monotonic() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
    // Linux has this clock since 2.6. systemd ignores a message in which the time is zero.
    time.unwrap_or_default()
}

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the place for it")]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// Seconds since 1970 on the wall.
fn unix_seconds() -> i64 {
    let since = wall().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or(Duration::ZERO).as_secs()).unwrap_or(i64::MAX)
}

/// The minute of the day on the wall, local time.
pub fn minute_of_day() -> u16 {
    // The year 292277026596 has no minutes.
    sys::localtime::minute_of_day(unix_seconds()).unwrap_or_default()
}

/// How long it takes until it is this minute of the day, local time.
pub fn until_minute(minute: u16) -> Duration {
    until(unix_seconds(), minute, sys::localtime::minute_of_day)
}

/// Looks at one minute after the other. A day may have 23 or 25 hours and may lack that minute; then the
/// day after it has it.
fn until(now: i64, minute: u16, minute_at: impl Fn(i64) -> Option<u16>) -> Duration {
    const DAYS: i64 = 2;
    let next = now - now.rem_euclid(60) + 60;
    let mut minutes = (0..=DAYS * 25 * 60).map(|ahead| next + ahead * 60);
    let found = minutes.find(|at| minute_at(*at) == Some(minute));
    let seconds = found.map_or(24 * 60 * 60, |at| at - now);
    Duration::from_secs(seconds.unsigned_abs())
}

/// A seed that differs from start to start.
pub fn seed() -> u64 {
    let since = wall().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = since.unwrap_or(Duration::ZERO).as_nanos();
    u64::try_from(nanos & u128::from(u64::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;

    /// A day of 24 hours in the first place and one of 23 after it, which goes from two to three.
    fn minute_at(at: i64) -> Option<u16> {
        let local = if at < DAY + 2 * HOUR { at } else { at + HOUR };
        u16::try_from(local.rem_euclid(DAY) / 60).ok()
    }

    fn until_hour(now: i64, hour: u16) -> i64 {
        let wait = until(now, hour * 60, minute_at);
        i64::try_from(wait.as_secs()).unwrap()
    }

    #[test]
    fn a_time_of_the_day_is_waited_for_whatever_the_clock_does() {
        assert_eq!(until_hour(0, 4), 4 * HOUR);
        // It is that time now: tomorrow.
        assert_eq!(until_hour(HOUR, 1), DAY);
        assert_eq!(until_hour(HOUR + 59, 1), DAY - 59);
        // An hour is missing before, and the minute itself.
        assert_eq!(until_hour(12 * HOUR, 4), 15 * HOUR);
        assert_eq!(until(12 * HOUR, 150, minute_at).as_secs(), 37 * 3600 + 1800);
    }

    #[test]
    fn the_clock_runs_forward_and_tokio_has_the_same_times() {
        let clock = Clock::start();
        let (one, other) = (clock.now(), clock.now());
        assert!(one <= other);
        let later = clock.instant(clock.now().after(Duration::from_secs(60)));
        let ahead = later.duration_since(Instant::now());
        assert!(ahead > Duration::from_secs(59) && ahead <= Duration::from_secs(60));
    }
}
