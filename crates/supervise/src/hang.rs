//! Whether a service that gives no answer hangs, or is only slow.
//!
//! A slow service works: it uses processor time, or waits for a processor or a disk. A service that hangs
//! does neither and will not recover by itself. The same holds for a service that a signal has stopped.

use std::time::Duration;

/// An idle service uses less than this part of one processor for its timers.
const IDLE: u32 = 100;

/// What all processes of a service were seen to do, at the time of a probe without an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activity {
    /// The processor time that they have used so far.
    pub cpu: Duration,
    /// Whether one of them was stopped by a signal.
    pub stopped: bool,
    /// Whether one of them runs, waits for a processor or waits for a disk.
    pub busy: bool,
}

/// Whether the service hangs. `before` is what was seen at the last probe without an answer, and how long
/// ago that was.
#[must_use]
pub fn hangs(before: Option<(Activity, Duration)>, now: &Activity) -> bool {
    if now.stopped {
        return true;
    }
    let Some((before, ago)) = before else {
        return false;
    };
    // The sum is lower than before, so a process that had used some time has ended: something happened, and
    // the service does not hang.
    let used = now.cpu.checked_sub(before.cpu);
    !now.busy && !before.busy && used.is_some_and(|used| used < ago / IDLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGO: Duration = Duration::from_secs(20);

    fn used(milliseconds: u64) -> Activity {
        Activity {
            cpu: Duration::from_millis(milliseconds),
            ..Activity::default()
        }
    }

    #[test]
    fn whoever_uses_the_processor_is_slow() {
        assert!(hangs(Some((used(500), AGO)), &used(500)));
        assert!(hangs(Some((used(500), AGO)), &used(699)));
        assert!(!hangs(Some((used(500), AGO)), &used(700)));
        assert!(!hangs(Some((used(500), AGO)), &used(400)));
    }

    #[test]
    fn whoever_waits_for_a_processor_or_a_disk_is_slow() {
        let busy = Activity {
            busy: true,
            ..used(500)
        };
        assert!(!hangs(Some((used(500), AGO)), &busy));
        assert!(!hangs(Some((busy, AGO)), &used(500)));
    }

    #[test]
    fn one_look_does_not_tell_but_for_who_was_stopped() {
        assert!(!hangs(None, &used(500)));
        let stopped = Activity {
            stopped: true,
            ..used(500)
        };
        assert!(hangs(None, &stopped));
        assert!(hangs(Some((used(0), AGO)), &stopped));
    }
}
