//! A handle on one process. Unlike a pid, it never refers to another process when the number is used again.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use libc::{c_int, pid_t};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessEnd {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal {
        /// The number of the signal.
        signal: i32,
        /// Whether a core file was written.
        core: bool,
    },
}

/// A process, as a descriptor that becomes readable when the process has ended.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Opens a handle on a running process, or on a child that has ended and was not reaped.
    ///
    /// This is only for a pid that cannot belong to another process by now: that of a child that is not
    /// reaped yet, or of a process whose identity is checked afterwards.
    ///
    /// # Errors
    /// `ESRCH` where there is no such process.
    pub fn open(pid: pid_t) -> io::Result<Self> {
        // SAFETY: the call takes two integers and touches no memory of ours.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = c_int::try_from(check(fd)?).map_err(io::Error::other)?;
        // SAFETY: the kernel has just made this descriptor for us and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Takes over a descriptor that is known to be a pidfd.
    #[must_use]
    pub fn from_fd(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Reaps the child if it has ended; `None` while it runs. Never blocks.
    ///
    /// # Errors
    /// `ECHILD` where the process is not our child, or was reaped before.
    pub fn try_wait(&self) -> io::Result<Option<ProcessEnd>> {
        Ok(self.waitid(libc::WNOHANG)?.map(|(_, exit)| exit))
    }

    /// Blocks until the child has ended, and reaps it.
    ///
    /// # Errors
    /// `ECHILD` where the process is not our child, or was reaped before.
    pub fn wait(&self) -> io::Result<ProcessEnd> {
        loop {
            match self.waitid(0) {
                Ok(Some((_, exit))) => return Ok(exit),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(None) | Err(_) => {}
            }
        }
    }

    /// Blocks until the process has ended, whether it is our child or not. It is not reaped.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn until_ended(&self) -> io::Result<()> {
        let mut ended = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        loop {
            match poll(&mut ended, PollTimeout::NONE) {
                Ok(_) => return Ok(()),
                // A signal handler ran meanwhile.
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Sends a signal to exactly this process. The signal 0 only checks whether one could be sent.
    ///
    /// # Errors
    /// `ESRCH` where it has been reaped, `EPERM` where it is not ours.
    pub fn send_signal(&self, signal: i32) -> io::Result<()> {
        let info = ptr::null::<libc::siginfo_t>();
        let fd = self.0.as_raw_fd();
        // SAFETY: the descriptor is open for as long as `self` lives, and a null siginfo is
        // documented to mean what kill(2) would send.
        let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, info, 0) };
        check(sent).map(drop)
    }

    fn waitid(&self, flags: c_int) -> io::Result<Option<(pid_t, ProcessEnd)>> {
        let id = self.0.as_raw_fd().cast_unsigned();
        waitid(libc::P_PIDFD, id, libc::WEXITED | flags)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<PidFd> for OwnedFd {
    fn from(pidfd: PidFd) -> Self {
        pidfd.0
    }
}

/// waitid(2) for children that have ended. nix is not used here because it loses the exit of a real-time
/// signal.
pub(crate) fn waitid(
    kind: libc::idtype_t,
    id: libc::id_t,
    flags: c_int,
) -> io::Result<Option<(pid_t, ProcessEnd)>> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: `info` is writable and of the size that the kernel fills.
    let waited = unsafe { libc::waitid(kind, id, info.as_mut_ptr(), flags) };
    check(waited.into())?;
    // SAFETY: all zeroes is a valid siginfo_t, and the kernel wrote at most over that.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid fills the fields of SIGCHLD, or leaves the zeroes that we put there.
    let pid = unsafe { info.si_pid() };
    if pid == 0 {
        return Ok(None);
    }
    // SAFETY: as above: the fields of SIGCHLD are the ones that are filled.
    let status = unsafe { info.si_status() };
    let exit = match info.si_code {
        libc::CLD_EXITED => ProcessEnd::Code(status),
        code => ProcessEnd::Signal {
            signal: status,
            core: code == libc::CLD_DUMPED,
        },
    };
    Ok(Some((pid, exit)))
}

fn check(returned: libc::c_long) -> io::Result<libc::c_long> {
    if returned < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(returned)
    }
}
