//! Launches a process directly in its cgroup, and returns a handle that always refers to this process.
//!
//! This uses clone3 and not `std::process::Command`, because only clone3 can put the child into its cgroup
//! before its first instruction. So no memory and no thread of it is ever charged to another cgroup.

mod step;

pub use step::{Group, LaunchStep};

use std::ffi::{CStr, CString, c_char};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use libc::{c_int, pid_t};
use nix::fcntl::OFlag;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{getpid, pipe2};

use crate::child::{OwnPid, Prepared};
use crate::clone::clone3;
use crate::pidfd::PidFd;
use crate::slots::Filled;

pub use crate::slots::MOST_HANDED;

/// What to launch and how. PATH is not searched and no environment is inherited: everything is given here.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The path of the program.
    pub program: CString,
    /// The arguments, the program's own name first.
    pub argv: Vec<CString>,
    /// The whole environment, as `NAME=value`.
    pub env: Vec<CString>,
    /// The name of an additional variable whose value is the number of the process itself.
    pub pid_variable: Option<&'static CStr>,
    /// The working directory. `None` for the parent's.
    pub cwd: Option<CString>,
    /// Standard input, output and error.
    pub stdio: [BorrowedFd<'a>; 3],
    /// What the program gets as descriptors 3, 4 and so on, at most [`MOST_HANDED`]. It gets no other
    /// descriptors.
    pub handed: Vec<BorrowedFd<'a>>,
    /// The directory of the cgroup in which it is started. `None` for the parent's.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// The process group in which it is started.
    pub group: Group,
    /// The soft and hard limit of open files. `None` for the parent's.
    pub open_files: Option<(u64, u64)>,
    /// Whether it can never gain privileges by exec.
    pub no_new_privs: bool,
    /// The signal that it gets when the *thread* that launched it ends, which may be before the parent
    /// process ends.
    pub death_signal: Option<Signal>,
}

/// A process that has begun to run its program.
#[derive(Debug)]
pub struct Spawned {
    /// Its pid, for people to read. Once it is reaped, the number may belong to another process.
    pub pid: pid_t,
    /// The handle.
    pub pidfd: PidFd,
}

/// A launch that failed; no process is left of it.
#[derive(Debug, thiserror::Error)]
#[error("cannot launch {program}: failed to {step}")]
pub struct SpawnError {
    /// The step that failed.
    pub step: LaunchStep,
    /// The program that was to be launched.
    pub program: String,
    /// What the kernel said.
    #[source]
    pub source: io::Error,
}

impl Launch<'_> {
    /// Launches the process, and returns when the program runs.
    ///
    /// A child that is killed before its exec, for example by its cgroup's memory limit, counts as launched
    /// too: its handle tells how it ended.
    ///
    /// # Errors
    /// The step that failed, in the parent or in the child, and what the kernel said.
    pub fn spawn(&self) -> Result<Spawned, SpawnError> {
        let failed = |step| move |source| self.error(step, source);
        let (hear, filled) = self.descriptors().map_err(failed(LaunchStep::Prepare))?;
        let own_pid = self.pid_variable.map(OwnPid::new);
        let prepared = self.prepared(&filled, own_pid.as_ref());
        let spawned = clone(&prepared, self.cgroup).map_err(failed(LaunchStep::Clone))?;
        // Our copy has to be closed, or the pipe would never end.
        drop(filled);
        match read_report(hear).map_err(failed(LaunchStep::Report))? {
            None => Ok(spawned),
            Some((step, source)) => {
                // The child is about to end. If another part of the program reaps all children, it may have
                // reaped this one.
                let _reaped = spawned.pidfd.wait();
                Err(self.error(step, source))
            }
        }
    }

    fn error(&self, step: LaunchStep, source: io::Error) -> SpawnError {
        SpawnError {
            step,
            program: self.program.to_string_lossy().into_owned(),
            source,
        }
    }

    /// The pipe on which a failure is reported, and the descriptors of the child.
    fn descriptors(&self) -> io::Result<(OwnedFd, Filled)> {
        let (hear, report) = pipe2(OFlag::O_CLOEXEC)?;
        let [stdin, stdout, stderr] = self.stdio;
        let filled = Filled::with([stdin, stdout, stderr, report.as_fd()], &self.handed)?;
        Ok((hear, filled))
    }

    fn prepared<'a>(&'a self, filled: &'a Filled, own_pid: Option<&'a OwnPid>) -> Prepared<'a> {
        let prepared = Prepared {
            program: &self.program,
            argv: pointers(&self.argv, None),
            envp: pointers(&self.env, own_pid.map(OwnPid::as_ptr)),
            own_pid,
            cwd: self.cwd.as_deref(),
            descriptors: filled.descriptors(),
            handed: filled.handed(),
            above: filled.above(),
            group: self.group,
            open_files: self.open_files,
            no_new_privs: self.no_new_privs,
            death_signal: self.death_signal,
            parent: getpid(),
        };
        debug_assert!(prepared.is_clear_of_targets());
        prepared
    }
}

fn pointers(strings: &[CString], more: Option<*const c_char>) -> Vec<*const c_char> {
    let strings = strings.iter().map(|string| CStr::as_ptr(string));
    strings.chain(more).chain([ptr::null()]).collect()
}

fn clone(prepared: &Prepared<'_>, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Spawned> {
    let mut pidfd: c_int = -1;
    let args = clone_args(&mut pidfd, cgroup);
    // No signal handler of ours may run in the child before it has reset the actions of signals.
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let cloned = clone3(args, prepared);
    mask.thread_set_mask()?;
    let pid = cloned?;
    // SAFETY: clone3 succeeded with CLONE_PIDFD, so the kernel put a new descriptor here.
    let pidfd = PidFd::from_fd(unsafe { OwnedFd::from_raw_fd(pidfd) });
    let pid = pid_t::try_from(pid).map_err(io::Error::other)?;
    Ok(Spawned { pid, pidfd })
}

fn clone_args(pidfd: &mut c_int, cgroup: Option<BorrowedFd<'_>>) -> libc::clone_args {
    // SAFETY: clone_args is plain integers, for which zero is valid and means "not asked for".
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = u64::from(libc::CLONE_PIDFD.cast_unsigned());
    args.pidfd = ptr::from_mut(pidfd).expose_provenance() as u64;
    args.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = u64::from(cgroup.as_raw_fd().cast_unsigned());
    }
    args
}

/// Written out, because the type of the constant differs between targets and versions of libc.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

fn read_report(hear: OwnedFd) -> io::Result<Option<(LaunchStep, io::Error)>> {
    let mut report = Vec::with_capacity(5);
    File::from(hear).read_to_end(&mut report)?;
    let [step, a, b, c, d] = report[..] else {
        return Ok(None);
    };
    let step = LaunchStep::OF_CHILD
        .into_iter()
        .find(|known| *known as u8 == step);
    let errno = i32::from_ne_bytes([a, b, c, d]);
    Ok(Some((
        step.unwrap_or(LaunchStep::Report),
        io::Error::from_raw_os_error(errno),
    )))
}
