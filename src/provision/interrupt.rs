//! Ctrl-C, SIGTERM and a closed terminal: kept from killing set-up half-way, and read where it waits.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};

use super::error::SetupError;

/// While this is there, the signals wait in a descriptor.
#[derive(Debug)]
pub(crate) struct Interrupts {
    fd: SignalFd,
    before: SigSet,
    seen: Option<Signal>,
}

impl Interrupts {
    /// Blocks the signals in this thread: threads that it starts later block them too.
    pub(crate) fn catch() -> nix::Result<Self> {
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
            seen: None,
        })
    }

    /// The signal by which somebody has asked for an end first, now or earlier.
    pub(crate) fn seen(&mut self) -> Option<Signal> {
        while let Ok(Some(info)) = self.fd.read_signal() {
            let signal = Signal::try_from(info.ssi_signo.cast_signed()).ok();
            self.seen = self.seen.or(signal);
        }
        self.seen
    }

    /// Returns an error as soon as somebody has asked for an end.
    pub(crate) fn check(&mut self) -> Result<(), SetupError> {
        match self.seen() {
            Some(signal) => Err(SetupError::Interrupted { signal }),
            None => Ok(()),
        }
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
