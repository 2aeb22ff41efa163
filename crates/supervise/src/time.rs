//! Time as the machine is told of it: it has no clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: the time since an epoch of the runtime's choosing. It never runs backwards.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Time(pub Duration);

impl Time {
    /// The moment `later` after this one.
    #[must_use]
    pub const fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// The time since `earlier`; zero if that is still to come.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
