//! The one place that asks for the time.

use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};
use supervise::event::Time;
use tokio::time::Instant;

/// The time since the daemon began, and what that is on the wall.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// Begins now.
    pub fn start() -> Self {
        Self {
            began: Instant::now(),
        }
    }

    /// Now.
    pub fn now(&self) -> Time {
        Time(self.began.elapsed())
    }

    /// The moment as tokio counts.
    pub fn instant(&self, time: Time) -> Instant {
        self.began + time.0
    }

    /// The moments at which the kernel's monotonic clock said `times`, which tokio reads too; none:
    /// before we began. By one look at both clocks, so that their order stays what it was.
    pub fn of_monotonic<const N: usize>(&self, times: [Duration; N]) -> [Option<Time>; N] {
        let (now, monotonic) = (self.now(), monotonic());
        times.map(|time| {
            let ago = monotonic.saturating_sub(time);
            now.0.checked_sub(ago).map(Time)
        })
    }

    /// A moment that has been, in RFC 3339. Counted back from the wall clock as it is now, so that
    /// a clock that was set after boot is right for what was before.
    pub fn rfc3339(&self, time: Time) -> String {
        let ago = self.now().since(time);
        let at = wall().checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH);
        humantime::format_rfc3339_millis(at).to_string()
    }
}

/// The kernel's monotonic clock, which systemd and we both read.
pub fn monotonic() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
    // It is there since Linux 2.6; a message that says zero is one that systemd ignores.
    time.unwrap_or_default()
}

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the place for it")]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// The minute of the day on the wall, local time.
pub fn minute_of_day() -> u16 {
    let since = wall().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = i64::try_from(since.unwrap_or(Duration::ZERO).as_secs()).unwrap_or(i64::MAX);
    // The year 292277026596 has no minutes.
    sys::localtime::minute_of_day(seconds).unwrap_or_default()
}

/// A seed that differs from start to start.
pub fn seed() -> u64 {
    let since = wall().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = since.unwrap_or(Duration::ZERO).as_nanos();
    u64::try_from(nanos & u128::from(u64::MAX)).unwrap_or_default()
}
