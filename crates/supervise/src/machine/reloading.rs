//! How far a unit is with reading its files again; [`super::reload`] has the transitions.

use serde::{Deserialize, Serialize};

/// Whether a service is reading its files again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reloading {
    No,
    /// Its files are being checked. `again` says that they have changed since the check began.
    Checking {
        again: bool,
    },
    /// It is being told to read them.
    Applying {
        again: bool,
    },
}
