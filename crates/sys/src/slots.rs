//! Places with low numbers in which a child finds its standard streams.
//!
//! A child that gets a copy of our descriptors costs the kernel two walks through all of them, one to
//! copy and one to close, and a daemon with a thousand services has thousands. So the child shares our
//! table (`CLONE_FILES`) until its first call, close_range(2) with `CLOSE_RANGE_UNSHARE`, which gives it
//! one of its own with only what stands below the number that is named. What the child needs is put
//! there just before: into these places, which are ours for good.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::stat::Mode;
use nix::unistd::dup3;

/// Standard input, output and error, and where a failure is told.
const COUNT: usize = 4;

static PLACES: Mutex<Option<Places>> = Mutex::new(None);

#[derive(Debug)]
struct Places {
    /// What is in them while nobody launches.
    null: OwnedFd,
    places: [OwnedFd; COUNT],
}

impl Places {
    fn make() -> io::Result<Self> {
        let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
        let null = above_stdio(null.as_fd())?;
        let place = || above_stdio(null.as_fd());
        Ok(Self {
            places: [place()?, place()?, place()?, place()?],
            null,
        })
    }
}

/// The places with a child's descriptors in them, one launch at a time; empty again when dropped.
#[derive(Debug)]
pub(crate) struct Filled(MutexGuard<'static, Option<Places>>);

impl Filled {
    /// Puts copies of these into the places, all closed by exec.
    pub(crate) fn with(descriptors: [BorrowedFd<'_>; COUNT]) -> io::Result<Self> {
        // Whoever panicked has left them as good as any.
        let mut guard = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        if guard.is_none() {
            *guard = Some(Places::make()?);
        }
        let mut filled = Self(guard);
        let places = filled.0.iter_mut().flat_map(|places| &mut places.places);
        for (place, descriptor) in places.zip(descriptors) {
            dup3(descriptor, place, OFlag::O_CLOEXEC)?;
        }
        Ok(filled)
    }

    /// What is in them, in the order in which it was put there.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; COUNT] {
        self.places().each_ref().map(AsFd::as_fd)
    }

    /// The number above all of them.
    pub(crate) fn above(&self) -> u32 {
        let [a, b, c, d] = self.places().each_ref().map(AsRawFd::as_raw_fd);
        a.max(b).max(c).max(d).cast_unsigned() + 1
    }

    fn places(&self) -> &[OwnedFd; COUNT] {
        &self.0.as_ref().expect("made by `with`").places
    }
}

impl Drop for Filled {
    /// Nobody but the child is to hold what is in them: a pipe would never end.
    fn drop(&mut self) {
        if let Some(Places { null, places }) = self.0.as_mut() {
            for place in places {
                // Both are open, so there is nothing that could go wrong.
                let _emptied = dup3(null.as_fd(), place, OFlag::O_CLOEXEC);
            }
        }
    }
}

/// A copy with a number above 2, closed by exec.
fn above_stdio(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let copy = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(3))?;
    // SAFETY: the kernel has just made this descriptor for us and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
