//! How PostgreSQL divides its memory.

const MIB: u64 = 1 << 20;
pub(super) const KIB: u64 = 1 << 10;

/// What PostgreSQL uses besides what is sized here: the postmaster and its helpers.
const FIXED: u64 = 12 * MIB;

/// What one connection's process uses before it sorts or hashes anything.
const BACKEND: u64 = 2 * MIB;

/// Each may use `maintenance_work_mem`, and so may one person's `CREATE INDEX`.
const AUTOVACUUM_WORKERS: u64 = 2;

/// What is planned for where there is no limit: 128 MB of shared buffers, as PostgreSQL's default.
const UNLIMITED: u64 = 512 * MIB;

/// The least that a query gets to sort in; PostgreSQL's own floor.
const WORK_FLOOR: u64 = 64 * KIB;

/// The sizes of PostgreSQL's memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// Its own cache, shared by all its processes.
    pub(super) shared_buffers: u64,
    /// What the planner may take for cached, the kernel's cache included.
    pub(super) effective_cache_size: u64,
    /// Of one sort or hash.
    pub(super) work_mem: u64,
    /// Of one VACUUM or CREATE INDEX.
    pub(super) maintenance_work_mem: u64,
    /// Where a checkpoint is forced: the most of the log on disk, and what the kernel caches of it.
    pub(super) max_wal_size: u64,
}

impl Memory {
    /// Divides `limit` so that every connection at work at once, each with one sort, and every
    /// autovacuum worker stay within it.
    pub(super) fn within(limit: Option<u64>, connections: u32) -> Self {
        let limit = limit.unwrap_or(UNLIMITED);
        let connections = u64::from(connections.max(1));
        let shared_buffers = (limit / 4).max(8 * MIB);
        let maintenance_work_mem = (limit / 20).clamp(MIB, 512 * MIB);
        let left = limit
            .saturating_sub(shared_buffers + FIXED + connections * BACKEND)
            .saturating_sub(maintenance_work_mem * (AUTOVACUUM_WORKERS + 1));
        Self {
            shared_buffers,
            effective_cache_size: (limit / 4 * 3).max(shared_buffers),
            work_mem: (left / connections).clamp(WORK_FLOOR, 64 * MIB),
            maintenance_work_mem,
            max_wal_size: limit.clamp(128 * MIB, 1024 * MIB),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The smallest limit within which so many connections fit.
    fn smallest_limit(connections: u32) -> u64 {
        // Of the limit, 1/4 is shared_buffers and 3/20 the autovacuum workers'; 3/5 is left.
        let needed = FIXED + u64::from(connections) * (BACKEND + WORK_FLOOR);
        needed.div_ceil(3) * 5
    }

    fn worst_case(memory: Memory, connections: u32) -> u64 {
        memory.shared_buffers
            + FIXED
            + u64::from(connections) * (BACKEND + memory.work_mem)
            + (AUTOVACUUM_WORKERS + 1) * memory.maintenance_work_mem
    }

    proptest! {
        #[test]
        fn the_worst_case_fits_the_limit(connections in 1u32..500, more in 0u64..(64 << 30)) {
            let limit = smallest_limit(connections).max(32 * MIB) + more;
            let memory = Memory::within(Some(limit), connections);
            prop_assert!(worst_case(memory, connections) <= limit, "{memory:?}");
        }

        #[test]
        fn more_memory_never_means_less_of_anything(
            connections in 1u32..500,
            limit in 0u64..(64 << 30),
            more in 0u64..(1 << 30),
        ) {
            let less = Memory::within(Some(limit), connections);
            let more = Memory::within(Some(limit + more), connections);
            prop_assert!(less.shared_buffers <= more.shared_buffers);
            prop_assert!(less.effective_cache_size <= more.effective_cache_size);
            prop_assert!(less.work_mem <= more.work_mem);
            prop_assert!(less.maintenance_work_mem <= more.maintenance_work_mem);
            prop_assert!(less.max_wal_size <= more.max_wal_size);
        }

        #[test]
        fn more_connections_never_mean_more_for_each(connections in 1u32..500, limit in 0u64..(8 << 30)) {
            let few = Memory::within(Some(limit), connections);
            let many = Memory::within(Some(limit), connections + 1);
            prop_assert!(many.work_mem <= few.work_mem);
        }
    }

    #[test]
    fn without_a_limit_the_base_is_128_megabytes() {
        assert_eq!(Memory::within(None, 50).shared_buffers, 128 * MIB);
    }
}
