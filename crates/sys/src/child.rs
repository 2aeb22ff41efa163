//! What runs between clone and exec.
//!
//! The child is one thread in the memory of many that stand still or go on as they like: any lock may
//! be held by one of them, and whatever it changed would be changed for all. So nothing in this file
//! allocates, locks, panics or drops, nor writes but to its stack; all is made beforehand.

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
use crate::spawn::{Group, Step};

/// All that the child needs, made before there is a child.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) program: &'a CStr,
    /// Ends with a null pointer, as does `envp`.
    pub(crate) argv: Vec<*const c_char>,
    pub(crate) envp: Vec<*const c_char>,
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

type Failure = (Step, Errno);

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
    part_descriptors(prepared.above).map_err(|errno| (Step::PartFiles, errno))?;
    reset_signals().map_err(|errno| (Step::Signals, errno))?;
    enter_group(prepared.group).map_err(|errno| (Step::Group, errno))?;
    let [stdio @ .., _report] = prepared.descriptors;
    place_stdio(stdio).map_err(|errno| (Step::Stdio, errno))?;
    if let Some(cwd) = prepared.cwd {
        unistd::chdir(cwd).map_err(|errno| (Step::Chdir, errno))?;
    }
    if let Some((soft, hard)) = prepared.open_files {
        let limited = setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
        limited.map_err(|errno| (Step::OpenFiles, errno))?;
    }
    if prepared.no_new_privs {
        prctl::set_no_new_privs().map_err(|errno| (Step::NoNewPrivs, errno))?;
    }
    if let Some(signal) = prepared.death_signal {
        die_with(prepared.parent, signal).map_err(|errno| (Step::DeathSignal, errno))?;
    }
    let first = place_handed(prepared.handed).map_err(|errno| (Step::HandOver, errno))?;
    close_rest(first).map_err(|errno| (Step::CloseFiles, errno))?;
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
    // SAFETY: both arrays end with a null pointer and point at strings that `Prepared` borrows.
    unsafe { libc::execve(prepared.program.as_ptr(), argv, envp) };
    Err((Step::Exec, Errno::last()))
}

impl Prepared<'_> {
    /// Whether no descriptor stands where another will be put.
    pub(crate) fn is_clear_of_targets(&self) -> bool {
        let clear = |fd: &dyn AsRawFd| fd.as_raw_fd() >= LOWEST;
        self.descriptors.iter().all(|fd| clear(fd)) && self.handed.iter().all(|fd| clear(fd))
    }
}
