//! Places with low numbers in which a child finds its standard streams and the sockets that it gets.
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

/// The most descriptors that a process can be given besides its standard streams.
pub const MOST_HANDED: usize = 12;

/// The lowest number of a place: above every number where the child will put something, so that
/// putting one descriptor in its place never overwrites another that is still to be put.
pub(crate) const LOWEST: i32 = 15;
const _: () = assert!(LOWEST as usize == 3 + MOST_HANDED);

static PLACES: Mutex<Option<Places>> = Mutex::new(None);

#[derive(Debug)]
struct Places {
    /// What is in them while nobody launches.
    null: OwnedFd,
    places: [OwnedFd; COUNT],
    /// For what is handed over. There are always as many, so that all places have low numbers however
    /// many descriptors we have by the time that somebody is given the first.
    handed: [OwnedFd; MOST_HANDED],
}

impl Places {
    fn make() -> io::Result<Self> {
        let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
        let null = above_targets(null.as_fd())?;
        let place = || above_targets(null.as_fd());
        let handed: Vec<_> = (0..MOST_HANDED)
            .map(|_| place())
            .collect::<Result<_, _>>()?;
        Ok(Self {
            places: [place()?, place()?, place()?, place()?],
            handed: handed.try_into().expect("as many as were made"),
            null,
        })
    }
}

/// The places with a child's descriptors in them, one launch at a time; empty again when dropped.
#[derive(Debug)]
pub(crate) struct Filled {
    guard: MutexGuard<'static, Option<Places>>,
    /// How many of the places for what is handed over are in use.
    handed: usize,
}

impl Filled {
    /// Puts copies of these into the places, all closed by exec.
    ///
    /// # Errors
    /// More are to be handed over than there are places, or the kernel refuses.
    pub(crate) fn with(
        descriptors: [BorrowedFd<'_>; COUNT],
        handed: &[BorrowedFd<'_>],
    ) -> io::Result<Self> {
        if handed.len() > MOST_HANDED {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        // Whoever panicked has left them as good as any.
        let mut guard = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        if guard.is_none() {
            *guard = Some(Places::make()?);
        }
        let mut filled = Self {
            guard,
            handed: handed.len(),
        };
        if let Some(all) = filled.guard.as_mut() {
            let handed = all.handed.iter_mut().zip(handed.iter().copied());
            for (place, descriptor) in all.places.iter_mut().zip(descriptors).chain(handed) {
                dup3(descriptor, place, OFlag::O_CLOEXEC)?;
            }
        }
        Ok(filled)
    }

    /// What is in them, in the order in which it was put there.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; COUNT] {
        self.all().places.each_ref().map(AsFd::as_fd)
    }

    /// What is handed over, in the order in which it was put there.
    pub(crate) fn handed(&self) -> &[OwnedFd] {
        &self.all().handed[..self.handed]
    }

    /// The number above all of them.
    pub(crate) fn above(&self) -> u32 {
        let all = self.all();
        let numbers = all.places.iter().chain(&all.handed).map(AsRawFd::as_raw_fd);
        numbers.max().unwrap_or_default().cast_unsigned() + 1
    }

    fn all(&self) -> &Places {
        self.guard.as_ref().expect("made by `with`")
    }
}

impl Drop for Filled {
    /// Nobody but the child is to hold what is in them: a pipe would never end.
    fn drop(&mut self) {
        let handed = self.handed;
        if let Some(all) = self.guard.as_mut() {
            let null = &all.null;
            for place in all.places.iter_mut().chain(&mut all.handed[..handed]) {
                // Both are open, so there is nothing that could go wrong.
                let _emptied = dup3(null.as_fd(), place, OFlag::O_CLOEXEC);
            }
        }
    }
}

/// A copy with a number of at least [`LOWEST`], closed by exec.
fn above_targets(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let copy = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(LOWEST))?;
    // SAFETY: the kernel has just made this descriptor for us and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
