//! What is wished of the configuration, one wish after the other, and the thread that reads it.
//!
//! ```text
//!          read                    next
//!  idle ─────────▶ reading ───────────────────▶ read, or too late
//!   ▲                 │ later: the others wait         │
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
    control::types::{Refusal, Reply},
    publish::Alone,
};

/// A configuration is read within milliseconds, on a busy disk within seconds.
const IN_TIME: Duration = Duration::from_secs(10);

/// Who hears the answer.
type Asker = oneshot::Sender<Result<Reply, Refusal>>;

/// What is to be done with the configuration as it is now.
#[derive(Debug)]
pub(super) enum Wish {
    /// What has changed is restarted. None: a signal has no answer.
    Reload(Option<Asker>),
    /// Everything is restarted, as a restart by systemd does.
    RestartAll(Asker),
    /// Nothing is done but told.
    Preview(Asker),
}

impl Wish {
    /// Whether nothing is to be done but told.
    pub(super) const fn is_preview(&self) -> bool {
        matches!(self, Self::Preview(_))
    }

    pub(super) fn refuse(self, refusal: Refusal) {
        match self {
            // Who asked may be gone; then nobody hears the answer.
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
    /// For a preview: each key that differs.
    pub(super) alone: Vec<Alone>,
}

/// The wish that is under way, and those after it.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    reading: Option<Reading>,
    waiting: VecDeque<Wish>,
    thread: Apart,
}

#[derive(Debug)]
struct Reading {
    wish: Wish,
    result: oneshot::Receiver<Result<Read, Refusal>>,
    until: Instant,
}

impl Wishes {
    /// Whether the configuration is being read.
    pub(super) const fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Does this one after those before.
    pub(super) fn later(&mut self, wish: Wish) {
        let same =
            |other: &Wish| matches!((other, &wish), (Wish::Reload(None), Wish::Reload(None)));
        // One more signal says nothing that the one before did not.
        if !self.waiting.iter().any(same) {
            self.waiting.push_back(wish);
        }
    }

    /// Has the configuration read for this wish.
    ///
    /// # Errors
    /// There is no thread for it; the wish is given back.
    pub(super) fn read(
        &mut self,
        wish: Wish,
        read: impl FnOnce() -> Result<Read, Refusal> + Send + 'static,
    ) -> Result<(), (Wish, ApartError)> {
        match self.thread.begin(read) {
            Ok(result) => {
                let until = Instant::now() + IN_TIME;
                self.reading = Some(Reading {
                    wish,
                    result,
                    until,
                });
                Ok(())
            }
            Err(error) => Err((wish, error)),
        }
    }

    /// What was read. Safe to be cancelled; it waits for ever when nothing is being read.
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

    /// The wish for which it was read.
    pub(super) fn was_read(&mut self) -> Option<Wish> {
        self.reading.take().map(|reading| reading.wish)
    }

    /// The next wish, if one waits.
    pub(super) fn take_next(&mut self) -> Option<Wish> {
        self.waiting.pop_front()
    }
}
