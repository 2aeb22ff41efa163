//! Time as the machine is told of it. The machine has no clock of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time, counted from an epoch that the runtime chooses. It never runs backwards.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Time(pub Duration);

impl Time {
    /// The point in time `later` after this one.
    #[must_use]
    pub const fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// The time that has passed since `earlier`. Zero if `earlier` lies in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
