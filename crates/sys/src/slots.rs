//! Places with low numbers for the descriptors of a child: its standard streams, and the sockets that it
//! gets.
//!
//! If a child got a copy of our descriptors, the kernel would walk through all of them twice, once to copy
//! and once to close them, and a daemon with a thousand services has thousands. So the child shares our
//! table (`CLONE_FILES`) until its first call, close_range(2) with `CLOSE_RANGE_UNSHARE`. That call gives
//! it a table of its own with only the descriptors below a certain number. The descriptors that the child
//! needs are put there just before: into these places, which we never give up.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::stat::Mode;
use nix::unistd::dup3;

/// Standard input, output and error, and the pipe on which a failure is reported.
const COUNT: usize = 4;

/// How many descriptors a process can be given besides its standard streams.
pub const MOST_HANDED: usize = 12;

/// The lowest number of a place. It is higher than every number at which the child puts something, so that
/// putting one descriptor in its place never overwrites another that is still to be put.
pub(crate) const LOWEST: i32 = 15;
const _: () = assert!(LOWEST as usize == 3 + MOST_HANDED);

static PLACES: Mutex<Option<Places>> = Mutex::new(None);

#[derive(Debug)]
struct Places {
    /// What the places hold while nobody launches.
    null: OwnedFd,
    places: [OwnedFd; COUNT],
    /// The places for sockets. All of them exist from the beginning, so that they have low numbers however
    /// many descriptors are open when a process is first given a socket.
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

/// The places while they hold the descriptors of a child. One launch uses them at a time; when this is
/// dropped they are empty again.
#[derive(Debug)]
pub(crate) struct Filled {
    guard: MutexGuard<'static, Option<Places>>,
    /// How many of the places for sockets are in use.
    handed: usize,
}

impl Filled {
    /// Puts copies of these descriptors into the places. Exec closes all of them.
    ///
    /// # Errors
    /// There are more sockets than places, or the kernel refuses.
    pub(crate) fn with(
        descriptors: [BorrowedFd<'_>; COUNT],
        handed: &[BorrowedFd<'_>],
    ) -> io::Result<Self> {
        if handed.len() > MOST_HANDED {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        // Another thread has panicked during a launch. Its places can be used like any others.
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

    /// The standard streams and the pipe, in the order in which they were given.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; COUNT] {
        self.all().places.each_ref().map(AsFd::as_fd)
    }

    /// The sockets, in the order in which they were given.
    pub(crate) fn handed(&self) -> &[OwnedFd] {
        &self.all().handed[..self.handed]
    }

    /// The number after the highest of all places.
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
    /// Empties the places. Nobody but the child may hold these descriptors: otherwise a pipe would never
    /// end.
    fn drop(&mut self) {
        let handed = self.handed;
        if let Some(all) = self.guard.as_mut() {
            let null = &all.null;
            for place in all.places.iter_mut().chain(&mut all.handed[..handed]) {
                // Both descriptors are open, so this cannot fail.
                let _emptied = dup3(null.as_fd(), place, OFlag::O_CLOEXEC);
            }
        }
    }
}

/// A copy of a descriptor with a number of at least [`LOWEST`]. Exec closes it.
fn above_targets(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let copy = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(LOWEST))?;
    // SAFETY: the kernel has just made this descriptor for us and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
