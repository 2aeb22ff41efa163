//! sd_notify(3): readiness and progress, to whoever started us and wants to know.

use sd_notify::NotifyState;

/// The service manager, or nobody.
#[derive(Debug, Default)]
pub struct Manager {
    ready: bool,
    status: String,
}

impl Manager {
    /// Everything is ready; said once.
    pub fn ready(&mut self) {
        if !std::mem::replace(&mut self.ready, true) {
            send(&[NotifyState::Ready]);
        }
    }

    /// Progress that a person understands; said when it changes.
    pub fn status(&mut self, text: String) {
        if self.status != text {
            send(&[NotifyState::Status(&text)]);
            self.status = text;
        }
    }

    /// We are going down.
    pub fn stopping(&self) {
        send(&[NotifyState::Stopping]);
    }
}

fn send(states: &[NotifyState<'_>]) {
    // Without NOTIFY_SOCKET nobody asked; with one that does not answer we go on all the same.
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::warn!(%error, "the service manager does not listen");
    }
}
