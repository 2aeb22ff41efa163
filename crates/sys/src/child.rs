//! What runs between clone and exec.
//!
//! The child is one thread in the memory of many that stand still or go on as they like: any lock may
//! be held by one of them, and whatever it changed would be changed for all. So nothing in this file
//! allocates, locks, panics or drops, nor writes but to its stack and to [`OwnPid`]; all is made
//! beforehand.

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

/// All that the child needs, made before there is a child.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) program: &'a CStr,
    /// Ends with a null pointer, as does `envp`.
    pub(crate) argv: Vec<*const c_char>,
    pub(crate) envp: Vec<*const c_char>,
    /// A variable in `envp` whose value only the child can write.
    pub(crate) own_pid: Option<&'a OwnPid>,
    pub(crate) cwd: Option<&'a CStr>,
    /// Standard input, output and error, and where a failure is told, which a successful exec
    /// closes.
    pub(crate) descriptors: [BorrowedFd<'a>; 4],
    /// What the program finds as 3, 4 and so on. These and those above have numbers of at least
    /// [`LOWEST`], so that putting one in its place never overwrites another.
    pub(crate) handed: &'a [OwnedFd],
    /// The number above those.
    pub(crate) above: u32,
    pub(crate) group: Group,
    pub(crate) open_files: Option<(u64, u64)>,
    pub(crate) no_new_privs: bool,
    pub(crate) death_signal: Option<Signal>,
    pub(crate) parent: Pid,
}

/// The text `NAME=` with room for the number of the process that will be the program.
///
/// Programs that are given sockets by systemd's protocol compare `LISTEN_PID` with their own number
/// (sd_listen_fds(3)), which nobody knows before there is a child, and when there is one the parent
/// stands still. So the child writes the number itself, into memory that it shares with the parent.
/// That is sound because for as long as it runs there is nobody else to read or write these bytes: they
/// belong to one launch, only the thread that launches has them, and that thread is suspended until
/// the child has executed its program or is gone (`CLONE_VFORK`). `Cell` holds us to the rest: it
/// cannot be shared with another thread.
///
/// Another process in between, which would set the variable and execute the program, would cost one
/// more exec at each launch.
#[derive(Debug)]
pub(crate) struct OwnPid {
    bytes: Box<[Cell<u8>]>,
    /// Where the number begins.
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

    /// The text, for `envp`. Always ends with a zero: the last byte is never written.
    pub(crate) fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }

    /// Writes the number, in decimal and without zeros before it: systemd would take those for octal.
    /// Called between clone and exec.
    fn write(&self, pid: Pid) {
        let mut left = pid.as_raw().unsigned_abs();
        let mut digits = [0_u8; PID_ROOM - 1];
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            if left == 0 && used > 0 {
                break;
            }
            // Less than ten, so that nothing is cut off.
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

/// Becomes the program, or tells the parent why not and ends.
pub(crate) fn run(prepared: &Prepared<'_>) -> ! {
    let Err((step, errno)) = become_program(prepared);
    let [a, b, c, d] = (errno as i32).to_ne_bytes();
    // One write of a few bytes to a pipe is whole or not at all; if it fails nobody is listening.
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

/// Ends the sharing of the parent's descriptors, which must be as they were when this fails: nothing
/// may be placed or marked before. Of the others only those below `above` come along, and go at exec.
fn part_descriptors(above: u32) -> Result<(), Errno> {
    let flags = libc::CLOSE_RANGE_UNSHARE;
    // SAFETY: the call takes integers. It closes in a table of our own, which it makes first.
    let parted = unsafe { libc::syscall(libc::SYS_close_range, above, u32::MAX, flags) };
    Errno::result(parted).map(drop)
}

/// An ignored signal stays ignored across exec, and Rust ignores SIGPIPE: put all back.
///
/// Past the C library, which refuses to touch two signals that it keeps for itself, even where
/// whoever started us left them ignored.
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

/// The kernel's number of signals; an eighth of it is the size of its signal sets.
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

/// The signal is only sent for a death that comes later, so look whether it has already been.
fn die_with(parent: Pid, signal: Signal) -> Result<(), Errno> {
    prctl::set_pdeathsig(signal)?;
    if unistd::getppid() == parent {
        Ok(())
    } else {
        Err(Errno::ESRCH)
    }
}

/// Puts what is handed over at 3 and following, where exec leaves it open; the number above.
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

/// Marked rather than closed: the report must outlive everything but a successful exec.
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
