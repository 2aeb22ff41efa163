//! Work that may never end, done outside of the loop.
//!
//! To open or read a file means to wait for its file system, and a file system of a remote machine that is
//! gone does not answer. So a separate thread waits, and the loop is told when the result is there, or that
//! there was none in time. Such a thread cannot be ended from outside, so there is at most one for each
//! purpose.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use nix::sys::signal::{SigSet, SigmaskHow};
use tokio::sync::oneshot;

/// A place for at most one thread.
#[derive(Debug, Default)]
pub(super) struct Apart {
    /// Whether the thread is at work.
    busy: Arc<AtomicBool>,
}

/// Why the work cannot begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApartError {
    /// An earlier piece of work has not ended yet.
    #[error("an earlier attempt still waits for a file system that does not answer")]
    Stuck,
    /// The kernel can make no more threads.
    #[error("there is no thread for it")]
    Thread(#[source] io::Error),
}

struct Busy(Arc<AtomicBool>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Apart {
    /// Begins `work`, and returns where its result will arrive.
    pub(super) fn begin<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, ApartError> {
        if self.busy.swap(true, Ordering::Relaxed) {
            return Err(ApartError::Stuck);
        }
        let busy = Busy(Arc::clone(&self.busy));
        let (done, result) = oneshot::channel();
        let work = move || {
            let found = work();
            // This comes before the result is sent, because the receiver may begin the next work at once.
            // It also happens if the work panics.
            drop(busy);
            // The receiver may have given up.
            let _nobody = done.send(found);
        };
        detach(work).map(|()| result).map_err(ApartError::Thread)
    }
}

/// Returns the result of `work`, or `None` if it takes longer than `limit`. For code that runs outside of
/// the loop.
pub fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, result) = mpsc::sync_channel(1);
    let work = move || {
        let _nobody = done.send(work());
    };
    detach(work).ok()?;
    result.recv_timeout(limit).ok()
}

/// Starts a thread with all signals blocked. They are meant for the thread that waits for them; in a thread
/// that did not block them, a signal would end the program instead.
fn detach(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // A new thread has the same signals blocked as the thread that starts it.
    let thread = thread::Builder::new().name("reader".to_owned()).spawn(work);
    before.thread_set_mask()?;
    thread.map(drop)
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::Signal;

    use super::*;

    #[tokio::test]
    async fn there_is_at_most_one_thread_for_a_purpose() {
        let mut apart = Apart::default();
        let (go_on, wait) = mpsc::channel::<()>();
        let first = apart.begin(move || wait.recv().is_ok()).unwrap();
        let second = apart.begin(|| true);
        assert!(matches!(second, Err(ApartError::Stuck)));
        go_on.send(()).unwrap();
        assert!(first.await.unwrap());
        assert!(apart.begin(|| true).unwrap().await.unwrap());
    }

    #[test]
    fn a_thread_that_works_apart_takes_no_signals() {
        let blocked = || {
            let mask = SigSet::thread_get_mask().unwrap();
            [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].map(|one| mask.contains(one))
        };
        // Whoever runs the tests may have started them with some blocked.
        let before = blocked();
        assert_eq!(within(Duration::from_secs(60), blocked), Some([true; 3]));
        assert_eq!(blocked(), before, "the one that waits takes them as before");
    }

    #[test]
    fn what_never_ends_is_given_up() {
        let (_keep, wait) = mpsc::channel::<()>();
        let given_up = within(Duration::from_millis(10), move || wait.recv().is_ok());
        assert_eq!(given_up, None);
        assert_eq!(within(Duration::from_secs(60), || 7), Some(7));
    }
}
