//! Sizes on a disk.

/// A megabyte, as disks count.
pub const MB: u64 = 1_000_000;
