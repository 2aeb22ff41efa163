//! Ctrl-C, SIGTERM and a closed terminal: kept from killing set-up half-way, and read where it waits.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};

/// While this is there, the signals wait in a descriptor.
#[derive(Debug)]
pub(super) struct Interrupts {
    fd: SignalFd,
    before: SigSet,
    seen: bool,
}

impl Interrupts {
    /// Blocks the signals in this thread: threads that it starts later block them too.
    pub(super) fn catch() -> nix::Result<Self> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            set.add(signal);
        }
        let before = SigSet::thread_get_mask()?;
        set.thread_block()?;
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self {
            fd,
            before,
            seen: false,
        })
    }

    /// Whether somebody has asked for an end, now or earlier.
    pub(super) fn seen(&mut self) -> bool {
        while let Ok(Some(_)) = self.fd.read_signal() {
            self.seen = true;
        }
        self.seen
    }
}

impl AsFd for Interrupts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        // What arrived in the meantime was read and answered; it must not kill us after all.
        let _seen = self.seen();
        let _restored = self.before.thread_set_mask();
    }
}
