//! Waiting, inside of tokio's loop, for what a descriptor of ours has to tell.
//!
//! Here, because tokio makes whoever registers a descriptor promise that it stays open.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Until it can be read: for a pidfd, until the process has ended.
///
/// # Errors
/// The descriptor is of a kind that cannot be waited for.
///
/// # Panics
/// Outside of a tokio runtime.
pub async fn readable(fd: OwnedFd) -> io::Result<()> {
    wait(fd, Interest::READABLE).await
}

/// Until something exceptional has happened: for a file of a cgroup's events, until it changes.
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
