//! What a test needs that not every machine has: without it, the test says that it is skipped.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    unistd::Uid,
};

/// Whether root runs the tests. If not, it says that the test of this name is skipped.
pub(crate) fn root_or_skipped(test: &str) -> bool {
    let root = Uid::effective().is_root();
    if !root {
        skipped(test, "it needs root");
    }
    root
}

/// Says so past the capture of what a test that passes prints.
fn skipped(test: &str, reason: &str) {
    let said = writeln!(std::io::stderr(), "\nskipped - {test}: {reason}");
    said.unwrap();
}

/// A file system of 1 MB, which goes with the value.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// Mounts it. Where the kernel does not permit that, it says that the test of this name is
    /// skipped: a container's root may lack `CAP_SYS_ADMIN`.
    pub(crate) fn or_skipped(test: &str, folder: &Path) -> Option<Self> {
        let (tmpfs, size) = (Some("tmpfs"), Some("size=1m,mode=0700"));
        match mount(None::<&str>, folder, tmpfs, MsFlags::empty(), size) {
            Err(Errno::EPERM) => {
                skipped(test, "it may not mount (mount(2): EPERM)");
                None
            }
            mounted => {
                mounted.unwrap();
                Some(Self(folder.to_owned()))
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        umount2(&self.0, MntFlags::MNT_DETACH).unwrap();
    }
}
