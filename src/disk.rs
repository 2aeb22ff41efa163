//! Whether the disks that the gateway writes to are full: the state's, those of folders in it that
//! are mounts of their own, and the one of what is there only while the daemon runs.
//!
//! What services keep is in folders within the state, one for each, and no folder is known by its service here. The
//! payloads are left out: set-up alone writes them, so a disk of theirs may be full, or read-only, for good.
//!
//! A full disk shows in services that end with code 1 and say so somewhere in their logs. [`look`]
//! asks the file systems, [`Room::lack`] decides (pure). Callers: `status`, `why`, `doctor`, and the
//! daemon when a service ends.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use nix::sys::statvfs::statvfs;

use crate::config::paths::Paths;

const MIB: u64 = 1 << 20;
/// A database server makes the files of its write-ahead log 16 MB long.
const STATE: u64 = 16 * MIB;
/// Sockets, and files of some kilobytes.
const RUN: u64 = MIB;
/// A start makes a dozen files.
const INODES: u64 = 16;

/// The room that one file system has left for the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// A folder of the gateway on it.
    pub folder: PathBuf,
    /// How many bytes are left.
    pub bytes: u64,
    /// How many files can still be made, or `None` where the file system does not count them.
    pub inodes: Option<u64>,
    /// How many bytes have to be left.
    pub least: u64,
}

impl Room {
    /// A sentence that says that it is full, if it is.
    pub fn lack(&self) -> Option<String> {
        let folder = self.folder.display();
        if self.bytes < self.least {
            let left = self.bytes / 1000;
            return Some(format!("the disk of {folder} is full ({left} kB left)"));
        }
        let inodes = self.inodes.filter(|inodes| *inodes < INODES)?;
        Some(format!(
            "the disk of {folder} takes no more files ({inodes} inodes left)"
        ))
    }
}

/// Looks at each file system once.
pub fn look(paths: &Paths) -> Vec<Room> {
    let state = [paths.state.clone()].into_iter().chain(within(paths));
    let folders = state.map(|folder| (folder, STATE));
    let folders = folders.chain([(paths.run.clone(), RUN)]);
    let mut seen = BTreeSet::new();
    let rooms = folders.filter_map(|(folder, least)| {
        let there = folder.ancestors().find(|above| above.exists())?;
        let device = fs::metadata(there).ok()?.dev();
        seen.insert(device).then(|| room(there, least)).flatten()
    });
    rooms.collect()
}

/// The folders in the state but for that of the payloads, in the order of their names.
fn within(paths: &Paths) -> Vec<PathBuf> {
    let entries = fs::read_dir(&paths.state).into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path());
    let folders = folders.filter(|path| path.is_dir() && *path != paths.payloads());
    let mut folders: Vec<_> = folders.collect();
    folders.sort_unstable();
    folders
}

fn room(folder: &Path, least: u64) -> Option<Room> {
    let stat = statvfs(folder).ok()?;
    Some(Room {
        folder: folder.to_owned(),
        bytes: stat.blocks_available().saturating_mul(stat.fragment_size()),
        inodes: (stat.files() > 0).then(|| stat.files_available()),
        least,
    })
}

/// A sentence for each file system that is full.
pub fn full(paths: &Paths) -> Vec<String> {
    look(paths).iter().filter_map(Room::lack).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use nix::{
        errno::Errno,
        mount::{MntFlags, MsFlags, mount, umount2},
    };

    use super::*;

    const SKIPPED: &str = "\nskipped - a_mount_within_the_state_is_looked_at_as_well: \
                           it may not mount (mount(2): EPERM)\n";

    fn room(bytes: u64, inodes: Option<u64>) -> Room {
        Room {
            folder: "/srv".into(),
            bytes,
            inodes,
            least: STATE,
        }
    }

    #[test]
    fn no_bytes_and_no_inodes_are_told_apart() {
        assert_eq!(room(STATE, Some(INODES)).lack(), None);
        assert_eq!(room(STATE, None).lack(), None);
        let lack = |room: Room| room.lack().unwrap();
        assert_eq!(
            lack(room(2_000, Some(9_000))),
            "the disk of /srv is full (2 kB left)"
        );
        assert_eq!(
            lack(room(STATE, Some(0))),
            "the disk of /srv takes no more files (0 inodes left)"
        );
    }

    #[test]
    fn a_mount_within_the_state_is_looked_at_as_well() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().display().to_string();
        let paths = Paths::find(|n| (n == "AI_GATEWAY_HOME").then(|| home.clone()), false).unwrap();
        let kept = paths.state.join("kept");
        for folder in [&kept, &paths.payloads()] {
            fs::create_dir_all(folder).unwrap();
        }
        assert_eq!(look(&paths).len(), 1, "all on one");
        let small = |folder: &Path| {
            let size = Some("size=1m");
            mount(None::<&str>, folder, Some("tmpfs"), MsFlags::empty(), size)
        };
        let mounted = small(&kept);
        // Somebody who is not root, or a container's root without CAP_SYS_ADMIN.
        if mounted == Err(Errno::EPERM) {
            // Past the capture of what a test that passes prints.
            let told = std::io::stderr().write_all(SKIPPED.as_bytes());
            return told.unwrap();
        }
        mounted.unwrap();
        small(&paths.payloads()).unwrap();
        let found = full(&paths);
        for folder in [&kept, &paths.payloads()] {
            umount2(folder, MntFlags::MNT_DETACH).unwrap();
        }
        let wanted = format!("the disk of {} is full", kept.display());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(&wanted), "{found:?}");
    }
}
