//! What a service says of how it is to be watched, as a part of its specification.

use std::time::Duration;

/// How a service is watched for leaks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecyclePolicy {
    /// From one measurement to the next.
    pub every: Duration,
    /// An instance that was ready for less than this is left alone.
    pub youngest: Duration,
    /// The minute of the day, local time, at which a restart disturbs people least. `None`: the restart
    /// waits until the service is idle.
    pub at: Option<u16>,
}
