//! Requests to read the configuration again, carried out one after the other, and the thread that reads it.
//!
//! The daemon asks for one request at a time with [`ReloadQueue::read`]. Requests that come in meanwhile wait
//! in the queue, because each has to see the configuration as it is when its turn comes.
//!
//! ```text
//!          read                    next
//!  idle ─────────▶ reading ───────────────────▶ read, or too late
//!   ▲                 │ enqueue: others wait           │
//!   └─────────────────┴────────────────────────────────┘ take_next
//! ```

use std::collections::VecDeque;

use tokio::{
    sync::oneshot,
    time::{Duration, Instant, timeout_at},
};

use super::{
    Planned,
    apart::{Apart, ApartError},
};
use crate::{
    control::{handle::ReplySender, types::Refusal},
    publish::Alone,
};

/// How long reading the configuration may take. It takes milliseconds, and on a busy disk seconds: after this
/// time its file system does not answer.
const IN_TIME: Duration = Duration::from_secs(10);

/// What somebody wants to be done with the configuration as it is now.
#[derive(Debug)]
pub(super) enum ReloadRequest {
    /// Each service takes up what has changed. A request by a signal has nobody to answer to: `None`.
    Reload(Option<ReplySender>),
    /// Everything is restarted, as a restart by systemd does.
    RestartAll(ReplySender),
    /// Nothing is changed; the answer says what a reload would do.
    Preview(ReplySender),
}

impl ReloadRequest {
    /// Whether this request changes nothing.
    pub(super) const fn is_preview(&self) -> bool {
        matches!(self, Self::Preview(_))
    }

    pub(super) fn refuse(self, refusal: Refusal) {
        match self {
            // The caller may have gone away; then nobody hears the answer.
            Self::Reload(Some(reply)) | Self::RestartAll(reply) | Self::Preview(reply) => {
                drop(reply.send(Err(refusal)));
            }
            Self::Reload(None) => {}
        }
    }
}

/// A configuration that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) planned: Planned,
    /// For a preview: what each key that differs would change alone.
    pub(super) alone: Vec<Alone>,
}

/// The request that is under way, and those that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct ReloadQueue {
    reading: Option<Reading>,
    waiting: VecDeque<ReloadRequest>,
    thread: Apart,
}

#[derive(Debug)]
struct Reading {
    request: ReloadRequest,
    result: oneshot::Receiver<Result<Read, Refusal>>,
    until: Instant,
}

impl ReloadQueue {
    /// Whether the configuration is being read.
    pub(super) const fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Puts a request at the end of the queue.
    pub(super) fn enqueue(&mut self, request: ReloadRequest) {
        let same = |other: &ReloadRequest| {
            matches!(
                (other, &request),
                (ReloadRequest::Reload(None), ReloadRequest::Reload(None))
            )
        };
        // A second reload by a signal asks for nothing that the first one does not do.
        if !self.waiting.iter().any(same) {
            self.waiting.push_back(request);
        }
    }

    /// Has a thread read the configuration for this request.
    ///
    /// # Errors
    /// No thread can be started for it; the request is given back.
    pub(super) fn read(
        &mut self,
        request: ReloadRequest,
        read: impl FnOnce() -> Result<Read, Refusal> + Send + 'static,
    ) -> Result<(), (ReloadRequest, ApartError)> {
        match self.thread.begin(read) {
            Ok(result) => {
                let until = Instant::now() + IN_TIME;
                self.reading = Some(Reading {
                    request,
                    result,
                    until,
                });
                Ok(())
            }
            Err(error) => Err((request, error)),
        }
    }

    /// What was read. It is safe to cancel. If nothing is being read it waits for ever.
    pub(super) async fn next(&mut self) -> Result<Read, Refusal> {
        let Some(Reading { result, until, .. }) = &mut self.reading else {
            return std::future::pending().await;
        };
        match timeout_at(*until, result).await {
            Ok(Ok(read)) => read,
            // The thread panicked, and the log has why.
            Ok(Err(_)) => Err(Refusal::Failed("reading it failed".to_owned())),
            Err(_) => Err(Refusal::Failed(format!(
                "the configuration was not read within {}: its file system does not answer",
                humantime::format_duration(IN_TIME)
            ))),
        }
    }

    /// The request for which the configuration was read.
    pub(super) fn was_read(&mut self) -> Option<ReloadRequest> {
        self.reading.take().map(|reading| reading.request)
    }

    /// Takes the next request out of the queue, if there is one.
    pub(super) fn take_next(&mut self) -> Option<ReloadRequest> {
        self.waiting.pop_front()
    }
}
