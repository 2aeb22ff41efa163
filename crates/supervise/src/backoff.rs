//! How long to wait before the next restart, and when to give up.
//!
//! The first restart in a row is immediate. The second waits `base`, and each further one waits twice as
//! long, but never longer than `cap`. Jitter takes up to a quarter off, so that services that failed
//! together do not all come back at the same time. After `burst` restarts the answer is to give up.

use std::time::Duration;

use crate::spec::RestartPolicy;

/// What to do after an exit that the restart policy restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Start again after this long. Zero means at once.
    Restart(Duration),
    /// The restart credit is used up.
    GiveUp,
}

/// Decides what follows after `restarts` restarts in a row. `dice` is a random number for the jitter; the
/// same number gives the same answer.
pub fn next(policy: &RestartPolicy, restarts: u32, dice: u16) -> Next {
    if restarts >= policy.burst {
        return Next::GiveUp;
    }
    let Some(doublings) = restarts.checked_sub(1) else {
        return Next::Restart(Duration::ZERO);
    };
    let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
    let full = policy.base.saturating_mul(factor).min(policy.cap);
    let off = full / 4 * u32::from(dice) / u32::from(u16::MAX);
    Next::Restart(full.saturating_sub(off))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spec::RestartMode;

    fn policy(burst: u32) -> RestartPolicy {
        RestartPolicy {
            mode: RestartMode::Always,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(60),
            burst,
            stable: Duration::from_secs(60),
        }
    }

    #[test]
    fn the_first_restart_is_at_once_and_each_later_one_waits_twice_as_long_up_to_the_cap() {
        let waits: Vec<_> = (0..9)
            .map(|n| match next(&policy(9), n, 0) {
                Next::Restart(wait) => wait.as_secs(),
                Next::GiveUp => panic!("gave up at {n}"),
            })
            .collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_spent_burst_gives_up() {
        assert_eq!(
            next(&policy(5), 4, 0),
            Next::Restart(Duration::from_secs(8))
        );
        assert_eq!(next(&policy(5), 5, 0), Next::GiveUp);
    }

    proptest! {
        #[test]
        fn jitter_takes_at_most_a_quarter_and_never_adds(n in 1u32..200, dice: u16) {
            let Next::Restart(full) = next(&policy(u32::MAX), n, 0) else { panic!("gave up") };
            let Next::Restart(wait) = next(&policy(u32::MAX), n, dice) else { panic!("gave up") };
            prop_assert!(wait <= full && wait >= full / 4 * 3, "{wait:?} of {full:?}");
        }
    }
}
