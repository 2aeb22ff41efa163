//! What the child runs between clone and exec.
//!
//! The child is one thread in a memory that it shares with all threads of the parent, some of which go on
//! running. Any of them may hold any lock, and whatever the child changes would be changed for all of them.
//! So nothing in this file allocates, locks, panics or drops anything, and nothing writes anywhere but to
//! the child's stack and to [`OwnPid`]. Everything else is prepared beforehand.

use std::cell::Cell;
use std::convert::Infallible;
use std::ffi::{CStr, c_char};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{self, Pid};

use crate::slots::LOWEST;
use crate::spawn::{Group, LaunchStep};

/// Everything that the child needs, made before the child exists.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) program: &'a CStr,
    /// Ends with a null pointer, and so does `envp`.
    pub(crate) argv: Vec<*const c_char>,
    pub(crate) envp: Vec<*const c_char>,
    /// A variable in `envp` whose value only the child can write.
    pub(crate) own_pid: Option<&'a OwnPid>,
    pub(crate) cwd: Option<&'a CStr>,
    /// Standard input, output and error, and the pipe on which a failure is reported. A successful exec
    /// closes the pipe.
    pub(crate) descriptors: [BorrowedFd<'a>; 4],
    /// What the program gets as descriptors 3, 4 and so on. These and those above have numbers of at least
    /// [`LOWEST`], so that putting one in its place never overwrites another.
    pub(crate) handed: &'a [OwnedFd],
    /// The number after the highest of those.
    pub(crate) above: u32,
    pub(crate) group: Group,
    pub(crate) open_files: Option<(u64, u64)>,
    pub(crate) no_new_privs: bool,
    pub(crate) death_signal: Option<Signal>,
    pub(crate) parent: Pid,
}

/// The text `NAME=`, with room for the number of the process that will run the program.
///
/// Programs that get sockets by systemd's protocol compare `LISTEN_PID` with their own number
/// (sd_listen_fds(3)). Nobody knows that number before the child exists, and while it exists the parent is
/// suspended. So the child writes the number itself, into memory that it shares with the parent. This is
/// sound because nobody else reads or writes these bytes while the child runs: they belong to one launch,
/// only the thread that launches has them, and that thread is suspended until the child has executed its
/// program or is gone (`CLONE_VFORK`). `Cell` guarantees the rest: it cannot be shared with another thread.
///
/// An intermediate process that sets the variable and then executes the program would cost one more exec at
/// each launch.
#[derive(Debug)]
pub(crate) struct OwnPid {
    bytes: Box<[Cell<u8>]>,
    /// The position at which the number begins.
    digits: usize,
}

/// The digits of the largest number of a process, and the zero that ends the text.
const PID_ROOM: usize = 11;

impl OwnPid {
    /// A variable of this name without a value.
    pub(crate) fn new(name: &CStr) -> Self {
        let head = name.to_bytes().iter().copied().chain([b'=']);
        let bytes: Box<[_]> = head.chain([0; PID_ROOM]).map(Cell::new).collect();
        Self {
            digits: bytes.len() - PID_ROOM,
            bytes,
        }
    }

    /// The text for `envp`. It always ends with a zero, because the last byte is never written.
    pub(crate) fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }

    /// Writes the number, in decimal and without leading zeros, because systemd would read those as octal.
    /// It is called between clone and exec.
    fn write(&self, pid: Pid) {
        let mut left = pid.as_raw().unsigned_abs();
        let mut digits = [0_u8; PID_ROOM - 1];
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            if left == 0 && used > 0 {
                break;
            }
            // The digit is less than ten, so the conversion cuts nothing off.
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
            used += 1;
        }
        let room = self.bytes.iter().skip(self.digits);
        let number = digits.iter().skip(PID_ROOM - 1 - used);
        room.zip(number).for_each(|(at, digit)| at.set(*digit));
    }
}

type Failure = (LaunchStep, Errno);

/// Executes the program. If that fails, reports to the parent why, and ends the process.
pub(crate) fn run(prepared: &Prepared<'_>) -> ! {
    let Err((step, errno)) = become_program(prepared);
    let [a, b, c, d] = (errno as i32).to_ne_bytes();
    // A write of a few bytes to a pipe is never split. If it fails, nobody is listening.
    let [.., report] = prepared.descriptors;
    let _told = unistd::write(report, &[step as u8, a, b, c, d]);
    // SAFETY: ends this process at once, without the exit handlers of the memory that it shares.
    unsafe { libc::_exit(127) }
}

fn become_program(prepared: &Prepared<'_>) -> Result<Infallible, Failure> {
    part_descriptors(prepared.above).map_err(|errno| (LaunchStep::PartFiles, errno))?;
    reset_signals().map_err(|errno| (LaunchStep::Signals, errno))?;
    enter_group(prepared.group).map_err(|errno| (LaunchStep::Group, errno))?;
    let [stdio @ .., _report] = prepared.descriptors;
    place_stdio(stdio).map_err(|errno| (LaunchStep::Stdio, errno))?;
    if let Some(cwd) = prepared.cwd {
        unistd::chdir(cwd).map_err(|errno| (LaunchStep::Chdir, errno))?;
    }
    if let Some((soft, hard)) = prepared.open_files {
        let limited = setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
        limited.map_err(|errno| (LaunchStep::OpenFiles, errno))?;
    }
    if prepared.no_new_privs {
        prctl::set_no_new_privs().map_err(|errno| (LaunchStep::NoNewPrivs, errno))?;
    }
    if let Some(signal) = prepared.death_signal {
        die_with(prepared.parent, signal).map_err(|errno| (LaunchStep::DeathSignal, errno))?;
    }
    let first = place_handed(prepared.handed).map_err(|errno| (LaunchStep::HandOver, errno))?;
    close_rest(first).map_err(|errno| (LaunchStep::CloseFiles, errno))?;
    if let Some(own_pid) = prepared.own_pid {
        own_pid.write(unistd::getpid());
    }
    exec(prepared)
}

/// Gives the child a table of descriptors of its own. If this fails, the parent's descriptors have to be
/// unchanged, so nothing may be placed or marked before. Of the parent's other descriptors only those below
/// `above` are copied, and exec closes them.
fn part_descriptors(above: u32) -> Result<(), Errno> {
    let flags = libc::CLOSE_RANGE_UNSHARE;
    // SAFETY: the call takes integers. It closes in a table of our own, which it makes first.
    let parted = unsafe { libc::syscall(libc::SYS_close_range, above, u32::MAX, flags) };
    Errno::result(parted).map(drop)
}

/// Resets all signals to their default actions. An ignored signal would stay ignored across exec, and Rust
/// ignores SIGPIPE.
///
/// This bypasses the C library, which does not allow to change two signals that it uses itself, even if the
/// parent process left them ignored.
fn reset_signals() -> Result<(), Errno> {
    // The kernel's struct sigaction is at most four words, and all zeroes is the default action.
    let default = [0_u64; 4];
    let old = ptr::null_mut::<u64>();
    for signal in 1..=SIGNALS {
        let action = default.as_ptr();
        // SAFETY: `default` is at least as long as what the kernel reads, and a null `old` is
        // not written; the default action runs no code of ours.
        // SIGKILL and SIGSTOP are refused, and cannot have been changed.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, action, old, SIGNALS / 8) };
    }
    SigSet::empty().thread_set_mask()
}

/// The number of signals that the kernel has. An eighth of it is the size of a signal set in bytes.
const SIGNALS: usize = 64;

fn enter_group(group: Group) -> Result<(), Errno> {
    match group {
        Group::Inherit => Ok(()),
        Group::Process => unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0)),
        Group::Session => unistd::setsid().map(drop),
    }
}

fn place_stdio([stdin, stdout, stderr]: [BorrowedFd<'_>; 3]) -> Result<(), Errno> {
    unistd::dup2_stdin(stdin)?;
    unistd::dup2_stdout(stdout)?;
    unistd::dup2_stderr(stderr)
}

/// The kernel sends the signal only if the parent ends later than this call, so it is checked whether the
/// parent has ended already.
fn die_with(parent: Pid, signal: Signal) -> Result<(), Errno> {
    prctl::set_pdeathsig(signal)?;
    if unistd::getppid() == parent {
        Ok(())
    } else {
        Err(Errno::ESRCH)
    }
}

/// Puts the sockets at 3 and the following numbers, where exec leaves them open. Returns the number after
/// the last one.
fn place_handed(handed: &[OwnedFd]) -> Result<u32, Errno> {
    let mut number = 3;
    for descriptor in handed {
        // SAFETY: the call takes integers. What was at `number` is a descriptor of this child's own
        // table, which nothing in the child uses: all that it needs has higher numbers.
        let placed = unsafe { libc::dup2(descriptor.as_raw_fd(), number) };
        Errno::result(placed)?;
        number += 1;
    }
    Ok(number.cast_unsigned())
}

/// The descriptors are marked and not closed: the pipe for the report has to stay open until an exec
/// succeeds.
fn close_rest(first: u32) -> Result<(), Errno> {
    let last = u32::MAX;
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: the call takes integers, and only marks descriptors: none that is owned is closed.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    Errno::result(closed).map(drop)
}

fn exec(prepared: &Prepared<'_>) -> Result<Infallible, Failure> {
    let (argv, envp) = (prepared.argv.as_ptr(), prepared.envp.as_ptr());
    // SAFETY: both arrays end with a null pointer and point at strings that `Prepared` borrows, each
    // of which ends with a zero.
    unsafe { libc::execve(prepared.program.as_ptr(), argv, envp) };
    Err((LaunchStep::Exec, Errno::last()))
}

impl Prepared<'_> {
    /// Whether no descriptor stands where another will be put.
    pub(crate) fn is_clear_of_targets(&self) -> bool {
        let clear = |fd: &dyn AsRawFd| fd.as_raw_fd() >= LOWEST;
        self.descriptors.iter().all(|fd| clear(fd)) && self.handed.iter().all(|fd| clear(fd))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_process_is_written_as_systemd_reads_it() {
        for (pid, text) in [
            (0, "LISTEN_PID=0"),
            (7, "LISTEN_PID=7"),
            (4_194_304, "LISTEN_PID=4194304"),
            (i32::MAX, "LISTEN_PID=2147483647"),
        ] {
            let variable = OwnPid::new(c"LISTEN_PID");
            variable.write(Pid::from_raw(pid));
            let bytes: Vec<u8> = variable.bytes.iter().map(Cell::get).collect();
            let written = CStr::from_bytes_until_nul(&bytes).unwrap();
            assert_eq!(written.to_str(), Ok(text));
        }
    }
}
