//! The resources of this machine, or of the container in which we run.

use std::{fs, path::Path};

use super::profile::Resources;

/// Reads the resources below `root`, which is `/` except in tests.
///
/// In a container, `/proc/meminfo` may show the memory of the host, so the smallest `memory.max` of our
/// cgroup and of all cgroups above it counts as well. `None` if neither can be read.
pub fn facts(root: &Path) -> Option<Resources> {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let total = read("proc/meminfo").and_then(|text| total(&text));
    let cgroup = read("proc/self/cgroup").and_then(|text| unified(&text));
    let limit = cgroup.and_then(|path| smallest_limit(&root.join("sys/fs/cgroup"), &path));
    let memory_bytes = total.into_iter().chain(limit).min();
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Some(Resources {
        memory_bytes: memory_bytes?,
        cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
    })
}

/// The value of `MemTotal` in /proc/meminfo, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The path of our cgroup in the unified hierarchy, from /proc/self/cgroup, without its first slash.
fn unified(cgroup: &str) -> Option<String> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let climbs = path.split('/').any(|part| part == "..");
    (!climbs).then(|| path.to_owned())
}

/// The smallest `memory.max` from the cgroup at `path` up to the root of the hierarchy.
fn smallest_limit(hierarchy: &Path, path: &str) -> Option<u64> {
    Path::new(path)
        .ancestors()
        .filter_map(|above| {
            let text = fs::read_to_string(hierarchy.join(above).join("memory.max")).ok()?;
            text.trim().parse::<u64>().ok()
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(root: &tempfile::TempDir) -> Option<u64> {
        facts(root.path()).map(|machine| machine.memory_bytes)
    }

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:        2037464 kB\nMemFree: 1 kB\n",
    );
    const CGROUP: (&str, &str) = ("proc/self/cgroup", "1:name=x:/y\n0::/a/b/c\n");

    #[test]
    fn memory_is_the_machines_where_no_cgroup_limits_it() {
        let root = root(&[MEMINFO, CGROUP, ("sys/fs/cgroup/a/memory.max", "max\n")]);
        assert_eq!(memory(&root), Some(2_037_464 * 1024));
    }

    #[test]
    fn the_smallest_limit_of_all_ancestors_counts() {
        let root = root(&[
            MEMINFO,
            CGROUP,
            ("sys/fs/cgroup/memory.max", "1900000000\n"),
            ("sys/fs/cgroup/a/memory.max", "1100000000\n"),
            ("sys/fs/cgroup/a/b/memory.max", "1500000000\n"),
            ("sys/fs/cgroup/a/b/c/memory.max", "max\n"),
            ("sys/fs/cgroup/other/memory.max", "5\n"),
        ]);
        assert_eq!(memory(&root), Some(1_100_000_000));
    }

    #[test]
    fn a_container_sees_its_own_limit_at_the_top() {
        let root = root(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/memory.max", "1000000000\n"),
        ]);
        assert_eq!(memory(&root), Some(1_000_000_000));
    }

    #[test]
    fn what_cannot_be_read_is_held_against_nobody() {
        assert_eq!(memory(&root(&[])), None);
        let climbing = root(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/../x\n"),
            ("sys/fs/cgroup/y", ""),
            ("sys/fs/x/memory.max", "5\n"),
        ]);
        assert_eq!(memory(&climbing), Some(2_037_464 * 1024));
    }
}
