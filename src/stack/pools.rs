//! How many database connections each service may hold, and how many the server allows.
//!
//! One place, because the two must agree: a pool that is larger than the server allows fails under
//! load, and a server that allows more than the pools need keeps memory for nobody.

use crate::config::settings::Settings;

/// For set-up, backups and a person with `psql`.
const RESERVE: u32 = 6;

/// Of [`RESERVE`], those that PostgreSQL keeps for its superuser.
pub const SUPERUSER: u32 = 3;

/// Open WebUI has two pools of the same size, one for asynchronous code and one for the rest.
const OPEN_WEBUI_POOLS: u32 = 2;

/// Connections of one pool, by the server's memory: each costs some 2 MB of it when it is busy. On
/// a machine for one or two people a request may wait for a connection rather than be killed.
const SIZES: [(u64, u32); 2] = [(128 << 20, 3), (256 << 20, 5)];

/// Connections of one pool on a larger server: what LiteLLM itself would take.
const FULL: u32 = 10;

/// The sizes of all pools and of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pools {
    /// Of one LiteLLM worker.
    pub litellm_worker: u32,
    /// Of each of Open WebUI's pools; 0: it is not a part of the stack.
    pub open_webui: u32,
    /// `max_connections` of the server.
    pub server: u32,
}

impl Pools {
    /// As large as is useful; smaller where the server is small, or where the settings say how
    /// many connections there may be.
    pub fn plan(settings: &Settings) -> Self {
        let memory = settings
            .limits
            .get(super::POSTGRES)
            .and_then(|limits| limits.memory_max)
            .unwrap_or(u64::MAX);
        let wanted = SIZES
            .iter()
            .find(|(below, _)| memory < *below)
            .map_or(FULL, |(_, size)| *size);
        // Every pool has the same size, so that one number is left to choose.
        let pools = settings.litellm.workers
            + if settings.open_webui.enabled {
                OPEN_WEBUI_POOLS
            } else {
                0
            };
        let size = settings.postgres.max_connections.map_or(wanted, |most| {
            (most.saturating_sub(RESERVE) / pools).clamp(1, wanted)
        });
        Self {
            litellm_worker: size,
            open_webui: if settings.open_webui.enabled { size } else { 0 },
            server: settings
                .postgres
                .max_connections
                .unwrap_or_default()
                .max(size * pools + RESERVE),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stack::tests::settings;

    fn used(settings: &Settings, pools: Pools) -> u32 {
        settings.litellm.workers * pools.litellm_worker + OPEN_WEBUI_POOLS * pools.open_webui
    }

    proptest! {
        #[test]
        fn all_pools_together_leave_the_reserve(
            workers in 1u32..64,
            webui: bool,
            most in proptest::option::of(0u32..500),
            profile in 0usize..5,
        ) {
            let mut settings = settings(["tiny", "small", "medium", "large", "local"][profile]);
            settings.litellm.workers = workers;
            settings.open_webui.enabled = webui;
            settings.postgres.max_connections = most;
            let pools = Pools::plan(&settings);
            prop_assert!(used(&settings, pools) + RESERVE <= pools.server);
            prop_assert!(pools.litellm_worker >= 1);
            // A number that suffices is taken as it stands.
            if let Some(most) = most && most >= workers + OPEN_WEBUI_POOLS + RESERVE {
                prop_assert_eq!(pools.server, most);
            }
        }
    }
}
