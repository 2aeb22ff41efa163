//! The milestones of a start, which `ai-gateway blame` shows. This is data only; the machine writes it.

use serde::{Deserialize, Serialize};

use crate::{event::Time, spec::ServiceName};

/// When the newest start of a service reached each step. A service that was never asked to run has no
/// milestones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestones {
    /// When the service was asked to run, or when its back-off was over. From here on it waited for what it
    /// requires.
    pub wanted: Option<Time>,
    /// When it was launched.
    pub launched: Option<Time>,
    /// The requirement that became ready last, if that was after the service was asked to run: this is the
    /// one that it waited for.
    pub waited_for: Option<ServiceName>,
    /// When its readiness probe passed. A service without a readiness probe never has this milestone.
    pub answered: Option<Time>,
    /// When its post-start command had ended well, or, without one, when it was ready.
    pub ready: Option<Time>,
}
