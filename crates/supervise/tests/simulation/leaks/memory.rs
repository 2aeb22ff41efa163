//! How a service uses its memory.

use std::time::Duration;

use supervise::event::Time;

use super::{MILLI, MINUTE, YOUNGEST};
use crate::dice::roll;

/// A service that does not leak stays below this, in thousandths of the limit.
const MOST: u64 = 930;

/// All amounts are in thousandths of the limit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Memory {
    /// Grows evenly from `from` to the limit within this time.
    Leaks { from: u64, full: Duration },
    /// Grows in the same time, but in steps of this size.
    Steps {
        from: u64,
        full: Duration,
        step: u64,
    },
    /// Uses a constant amount, and more in the middle of the day.
    Steady { from: u64, by_day: u64 },
    /// Grows by an amount within a few times this time, and then stays.
    Fills {
        from: u64,
        more: u64,
        within: Duration,
    },
}

impl Memory {
    pub(super) fn of(dice: &mut u64) -> Self {
        let from = 100 + roll(dice, 500);
        match roll(dice, 6) {
            0 | 1 => Self::Leaks {
                from,
                full: YOUNGEST * (9 + u32::try_from(roll(dice, 120)).expect("small")),
            },
            2 => Self::Steps {
                from,
                full: YOUNGEST * (9 + u32::try_from(roll(dice, 120)).expect("small")),
                step: 5 + roll(dice, 35),
            },
            3 => Self::Leaks {
                from,
                full: YOUNGEST * 2 + MINUTE * u32::try_from(roll(dice, 100)).expect("small"),
            },
            4 => Self::Steady {
                from: 100 + roll(dice, MOST - 100),
                by_day: roll(dice, 400),
            },
            _ => {
                let more = roll(dice, MOST - from);
                Self::Fills {
                    from,
                    more,
                    within: MINUTE * u32::try_from(5 + roll(dice, 120)).expect("small"),
                }
            }
        }
    }

    /// How much of the limit an instance of this age uses at this hour, without noise.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    pub(super) fn held(self, age: Duration, now: Time) -> u64 {
        let age = age.as_secs_f64();
        let thousandths = match self {
            Self::Leaks { from, full } => {
                from as f64 + (1000 - from) as f64 * age / full.as_secs_f64()
            }
            Self::Steps { from, full, step } => {
                let grown = (1000 - from) as f64 * age / full.as_secs_f64();
                from as f64 + (grown / step as f64).floor() * step as f64
            }
            Self::Steady { from, by_day } => {
                let hour = now.0.as_secs_f64() / 3600.0 % 24.0;
                let day = ((hour - 7.0) / 12.0 * std::f64::consts::PI).sin();
                let room = MOST.saturating_sub(from).min(by_day) as f64;
                from as f64 + room * day.max(0.0)
            }
            Self::Fills { from, more, within } => {
                from as f64 + more as f64 * (1.0 - (-age / within.as_secs_f64()).exp())
            }
        };
        (thousandths * MILLI as f64) as u64
    }

    /// How long an instance lasts without a restart.
    pub(super) const fn lasts(self) -> Option<Duration> {
        match self {
            Self::Leaks { full, .. } | Self::Steps { full, .. } => Some(full),
            Self::Steady { .. } | Self::Fills { .. } => None,
        }
    }
}
