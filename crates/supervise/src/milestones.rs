//! The milestones of a start: what `ai-gateway blame` tells. Data only; the machine writes it.

use serde::{Deserialize, Serialize};

use crate::{event::Time, spec::ServiceName};

/// How far the newest start of a service has come, and when each step was done. One that was never
/// wanted has none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestones {
    /// It was wanted, or its back-off was over: from here it waited for what it requires.
    pub wanted: Option<Time>,
    /// It was launched.
    pub launched: Option<Time>,
    /// Of what it requires, the last to become ready, if that was after it was wanted: so this is
    /// what it waited for.
    pub waited_for: Option<ServiceName>,
    /// Its readiness probe passed. Never, without one.
    pub answered: Option<Time>,
    /// Its post-start command had ended well, if it has one: it was ready.
    pub ready: Option<Time>,
}
