//! Waiting in tokio's loop until a descriptor is ready.
//!
//! This is in this crate because tokio requires a promise from whoever registers a descriptor: that it
//! stays open.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits until it can be read. A pidfd can be read when its process has ended.
///
/// # Errors
/// The descriptor is of a kind that cannot be waited for.
///
/// # Panics
/// Outside of a tokio runtime.
pub async fn readable(fd: OwnedFd) -> io::Result<()> {
    wait(fd, Interest::READABLE).await
}

/// Waits until an exceptional condition is reported. A file of a cgroup's events reports one when it
/// changes.
///
/// # Errors
/// The descriptor is of a kind that cannot be waited for.
///
/// # Panics
/// Outside of a tokio runtime.
pub async fn exceptional(fd: OwnedFd) -> io::Result<()> {
    wait(fd, Interest::PRIORITY).await
}

async fn wait(fd: OwnedFd, interest: Interest) -> io::Result<()> {
    // SAFETY: the descriptor is owned, and by nobody but this registration, so it is open and the
    // same until the registration is gone.
    let fd = unsafe { AsyncFd::register_with_interest(fd, interest) }?;
    drop(fd.ready(interest).await?);
    Ok(())
}
