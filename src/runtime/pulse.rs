//! Whether the loop makes progress. Those who answer without the loop want to know that.
//!
//! ```text
//!            begins                    waits
//!  waiting ──────────▶ at work ──────────────▶ waiting, for its next deadline at the latest
//! ```
//!
//! The loop writes down when its next sign of life is due: at its next deadline while it waits, and at once
//! while it works. A loop whose sign of life is overdue hangs. Answers wait until the loop goes on, as they
//! would if the loop gave them. So a caller notices that the loop hangs, and is never told something old.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::{
    sync::Notify,
    time::{Duration, Instant},
};

/// How long a turn may take. It takes microseconds, and longer if a reload writes files on a busy disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time of a loop without a deadline: it waits for events alone.
const NEVER: u64 = u64::MAX;

/// The signs of life of the loop.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    /// When the next sign is due, in microseconds since `began`.
    due: AtomicU64,
    turned: Notify,
}

impl Pulse {
    /// The loop is at work from now on.
    pub(super) fn start() -> Self {
        Self {
            began: Instant::now(),
            due: AtomicU64::new(0),
            turned: Notify::new(),
        }
    }

    /// A turn of the loop begins.
    pub(super) fn begins(&self) {
        self.shows(Some(Instant::now()));
    }

    /// The loop waits, until this point in time at the latest.
    pub(super) fn waits(&self, until: Option<Instant>) {
        self.shows(until);
    }

    fn shows(&self, next: Option<Instant>) {
        let due = next.map_or(NEVER, |next| self.micros(next));
        self.due.store(due, Ordering::Relaxed);
        self.turned.notify_waiters();
    }

    fn micros(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.began);
        u64::try_from(since.as_micros()).unwrap_or(NEVER)
    }

    /// Whether the loop hangs.
    fn is_overdue(&self) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        let late = self.micros(Instant::now()).saturating_sub(due);
        Duration::from_micros(late) > PATIENCE
    }

    /// Waits until the loop makes progress. Unless it hangs, this returns at once. It is safe to cancel.
    pub(super) async fn beats(&self) {
        loop {
            let turned = self.turned.notified();
            if !self.is_overdue() {
                return;
            }
            turned.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    async fn is_answered(pulse: &Pulse) -> bool {
        // Time is paused, so this takes none.
        timeout(Duration::from_millis(1), pulse.beats())
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_waits_for_events_alone_may_wait_for_ever() {
        let pulse = Pulse::start();
        pulse.waits(None);
        advance(Duration::from_secs(1_000_000)).await;
        assert!(is_answered(&pulse).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_does_not_end_its_turn_is_waited_for() {
        let pulse = Pulse::start();
        advance(Duration::from_secs(5)).await;
        pulse.begins();
        assert!(is_answered(&pulse).await);
        advance(PATIENCE + Duration::from_millis(1)).await;
        assert!(!is_answered(&pulse).await);
        let (_answered, ()) = tokio::join!(pulse.beats(), async { pulse.waits(None) });
        assert!(is_answered(&pulse).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_sleeps_beyond_its_deadline_is_waited_for() {
        let pulse = Pulse::start();
        pulse.waits(Some(Instant::now() + Duration::from_secs(60)));
        advance(Duration::from_secs(60)).await;
        assert!(is_answered(&pulse).await);
        advance(PATIENCE + Duration::from_millis(1)).await;
        assert!(!is_answered(&pulse).await);
    }
}
