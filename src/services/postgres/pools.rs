//! How many database connections each service may hold, and how many the server allows.
//!
//! One place, because the two must agree: a pool that is larger than the server allows fails under
//! load, and a server that allows more than the pools need keeps memory for nobody.

use crate::config::settings::Settings;

/// For set-up, backups and a person with `psql`.
const RESERVE: u32 = 6;

/// Of [`RESERVE`], those that PostgreSQL keeps for its superuser.
pub(super) const SUPERUSER: u32 = 3;

/// Connections of one pool, by the server's memory: each costs some 2 MB of it when it is busy. On
/// a machine for one or two people a request may wait for a connection rather than be killed.
const SIZES: [(u64, u32); 2] = [(128 << 20, 3), (256 << 20, 5)];

/// Connections of one pool on a larger server: what LiteLLM itself would take.
const FULL: u32 = 10;

/// The size of each pool and of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pools {
    /// The most connections of one pool.
    pub(crate) each: u32,
    /// `max_connections` of the server.
    pub(crate) server: u32,
}

impl Pools {
    /// For so many pools, as large as is useful; smaller where the server is small, or where the settings
    /// say how many connections there may be. Every pool has the same size, so that one number is left to
    /// choose.
    pub(crate) fn plan(settings: &Settings, pools: u32) -> Self {
        let memory = settings
            .limits
            .get(super::NAME)
            .and_then(|limits| limits.memory_max)
            .unwrap_or(u64::MAX);
        let wanted = SIZES
            .iter()
            .find(|(below, _)| memory < *below)
            .map_or(FULL, |(_, size)| *size);
        let most = settings.postgres.max_connections;
        let each = most.map_or(wanted, |most| {
            (most.saturating_sub(RESERVE) / pools.max(1)).clamp(1, wanted)
        });
        Self {
            each,
            server: most.unwrap_or_default().max(each * pools + RESERVE),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::services::tests::settings;

    proptest! {
        #[test]
        fn all_pools_together_leave_the_reserve(
            pools in 0u32..128,
            most in proptest::option::of(0u32..500),
            profile in 0usize..5,
        ) {
            let mut settings = settings(["tiny", "small", "medium", "large", "local"][profile]);
            settings.postgres.max_connections = most;
            let found = Pools::plan(&settings, pools);
            prop_assert!(pools * found.each + RESERVE <= found.server);
            prop_assert!(found.each >= 1);
            // A number that suffices is taken as it stands.
            if let Some(most) = most && most >= pools + RESERVE {
                prop_assert_eq!(found.server, most);
            }
        }
    }
}
