//! One directory of the cgroup v2 tree.
//!
//! It is used by an open directory and not by its path. If a cgroup is removed and made anew under the same
//! name, it is another one, and writes for the old one must not reach it.

mod error;
mod limits;
mod usage;

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, faccessat, unlinkat};

pub use error::{Action, CgroupError};
pub use limits::CpuMax;
pub use usage::{CpuStat, MemoryEvents, MemoryPressure, MemoryStat};

/// An open cgroup. A launch takes its descriptor, so that the process is started in it.
#[derive(Debug)]
pub struct Cgroup {
    dir: OwnedFd,
    path: PathBuf,
}

impl Cgroup {
    /// Opens an existing cgroup.
    ///
    /// # Errors
    /// Says which directory, and why it cannot be opened.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, CgroupError> {
        let path = path.into();
        match open(&path, DIRECTORY, Mode::empty()) {
            Ok(dir) => Ok(Self { dir, path }),
            Err(errno) => Err(CgroupError::new(Action::Open, path, errno)),
        }
    }

    /// The path at which it was opened, for messages to people.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the child of this name, making it where it is missing.
    ///
    /// # Errors
    /// `EINVAL` where the name is not that of a direct child, or what the kernel says.
    pub fn create_child(&self, name: &str) -> Result<Self, CgroupError> {
        let path = self.path.join(name);
        let made = one_component(name).and_then(|()| mkdirat(&self.dir, name, DIRECTORY_MODE));
        match made {
            Ok(()) | Err(Errno::EEXIST) => self.child(name),
            Err(errno) => Err(CgroupError::new(Action::Create, path, errno)),
        }
    }

    /// Opens the child of this name.
    ///
    /// # Errors
    /// `ENOENT` where there is none, `EINVAL` where the name is not that of a direct child.
    pub fn child(&self, name: &str) -> Result<Self, CgroupError> {
        let path = self.path.join(name);
        let flags = DIRECTORY.union(OFlag::O_NOFOLLOW);
        let dir = one_component(name).and_then(|()| openat(&self.dir, name, flags, Mode::empty()));
        match dir {
            Ok(dir) => Ok(Self { dir, path }),
            Err(errno) => Err(CgroupError::new(Action::Open, path, errno)),
        }
    }

    /// Removes the child of this name; one that is already gone is no error.
    ///
    /// # Errors
    /// `EBUSY` where a process or a cgroup is still in it.
    pub fn remove_child(&self, name: &str) -> Result<(), CgroupError> {
        let removed =
            one_component(name).and_then(|()| unlinkat(&self.dir, name, UnlinkatFlags::RemoveDir));
        match removed {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(CgroupError::new(
                Action::Remove,
                self.path.join(name),
                errno,
            )),
        }
    }

    /// Whether it has a file of this name: the controller is enabled and the kernel knows the file.
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        let exists = nix::unistd::AccessFlags::F_OK;
        faccessat(&self.dir, file, exists, AtFlags::empty()).is_ok()
    }

    /// Watches `cgroup.events`, which tells when the last process has left.
    ///
    /// # Errors
    /// Says which file cannot be opened.
    pub fn watch_events(&self) -> Result<Watch, CgroupError> {
        self.watch("cgroup.events")
    }

    /// Watches `memory.events`, which reports processes that were killed because memory was used up.
    ///
    /// # Errors
    /// Says which file cannot be opened.
    pub fn watch_memory_events(&self) -> Result<Watch, CgroupError> {
        self.watch("memory.events")
    }

    fn watch(&self, file: &str) -> Result<Watch, CgroupError> {
        let path = self.path.join(file);
        Ok(Watch {
            file: self.file(file, OFlag::O_RDONLY, Action::Open)?,
            path,
        })
    }

    fn file(&self, name: &str, flags: OFlag, action: Action) -> Result<File, CgroupError> {
        let flags = flags | OFlag::O_CLOEXEC;
        match openat(&self.dir, name, flags, Mode::empty()) {
            Ok(fd) => Ok(File::from(fd)),
            Err(errno) => Err(CgroupError::new(action, self.path.join(name), errno)),
        }
    }

    /// Writes the value in one call, because the kernel takes each write as a complete value. It never
    /// makes a file: if one is missing, its controller is not enabled.
    fn write(&self, name: &str, value: &str) -> Result<(), CgroupError> {
        let action = || Action::Write(value.to_owned());
        let file = self.file(name, OFlag::O_WRONLY, action())?;
        match nix::unistd::write(&file, value.as_bytes()) {
            Ok(written) if written == value.len() => Ok(()),
            Ok(_) => Err(CgroupError::new(action(), self.path.join(name), Errno::EIO)),
            Err(errno) => Err(CgroupError::new(action(), self.path.join(name), errno)),
        }
    }

    fn read(&self, name: &str) -> Result<String, CgroupError> {
        let mut file = self.file(name, OFlag::O_RDONLY, Action::Read)?;
        let mut text = String::new();
        match file.read_to_string(&mut text) {
            Ok(_) => Ok(text),
            Err(source) => Err(CgroupError::Io {
                action: Action::Read,
                path: self.path.join(name),
                source,
            }),
        }
    }
}

impl AsFd for Cgroup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

/// A file of events. Its descriptor polls as `POLLPRI` after a change, until the file is read.
#[derive(Debug)]
pub struct Watch {
    file: File,
    path: PathBuf,
}

impl Watch {
    /// The current count or flag of this name. Reading it also makes the descriptor report the next change.
    ///
    /// # Errors
    /// Says what cannot be read (`ENODEV` once the cgroup is removed), or what has no such name.
    pub fn read(&self, key: &str) -> Result<u64, CgroupError> {
        // This is far more than the kernel writes. It reads from the start, whatever was read before.
        let mut buffer = [0; 4096];
        let path = || self.path.clone();
        let length = self
            .file
            .read_at(&mut buffer, 0)
            .map_err(|source| CgroupError::Io {
                action: Action::Read,
                path: path(),
                source,
            })?;
        let text = String::from_utf8_lossy(&buffer[..length]);
        usage::keyed(&text, key).ok_or_else(|| CgroupError::Malformed {
            path: path(),
            text: text.into_owned(),
        })
    }
}

impl From<Watch> for OwnedFd {
    fn from(watch: Watch) -> Self {
        watch.file.into()
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC);
const DIRECTORY_MODE: Mode = Mode::from_bits_truncate(0o755);

/// Refuses names with which one could leave the tree that was delegated to us.
fn one_component(name: &str) -> Result<(), Errno> {
    let bad = name.is_empty() || name == "." || name == ".." || name.contains('/');
    if bad { Err(Errno::EINVAL) } else { Ok(()) }
}
