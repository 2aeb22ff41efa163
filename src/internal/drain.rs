//! Before LiteLLM is told to stop: takes it out of service and waits for the answers under way.
//!
//! That every cost is written before it ends is seen to in its own process (`gateway_app.py`): a
//! look from outside could not tell.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::Duration,
};

use super::{Context, api};
use crate::{
    secrets::{Kind, Secret, SecretError, SecretStore},
    stack::litellm::{DRAIN_SECONDS, drain_token},
};

/// The file in LiteLLM's folder with the number of requests that are waited for.
pub const IN_FLIGHT: &str = "in-flight";

/// From one count of them to the next.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// How it went. With more than one worker process this is about the one that was asked; the others
/// finish their answers under uvicorn's own graceful shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// So many answers were waited for.
    Done(u64),
    /// Nothing listens: there is nothing to wait for.
    NotRunning,
}

/// Why it did not drain. The stop goes on all the same.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    /// LiteLLM does not do its part.
    #[error(transparent)]
    Api(#[from] super::ApiError),
    /// The master key cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Waits for at most the time that LiteLLM itself takes, and a little more.
///
/// # Errors
/// An answer that is no, or none in time.
pub fn run(context: &Context) -> Result<Drained, DrainError> {
    const ACTION: &str = "drain LiteLLM";
    let master_key = SecretStore::new(context.secrets.clone()).read(Kind::LitellmMasterKey)?;
    let _counting = Counting::begin(context, &master_key);
    let response = api::agent(Duration::from_secs(DRAIN_SECONDS + 3))
        .get(format!("http://{}/health/drain", context.litellm))
        .header("X-Drain-Token", drain_token(&master_key))
        .call();
    match response {
        Err(ureq::Error::ConnectionFailed) => Ok(Drained::NotRunning),
        Err(ureq::Error::Io(e)) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
            Ok(Drained::NotRunning)
        }
        response => {
            let body = api::answer(ACTION, context.litellm, response)?.done()?;
            Ok(Drained::Done(
                body["drained_requests"].as_u64().unwrap_or_default(),
            ))
        }
    }
}

/// While it is there, the number of requests under way is in a file, for whoever waits for the stop.
struct Counting {
    ends: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Counting {
    /// Begins to count, unless several workers answer: each knows only its own.
    fn begin(context: &Context, master_key: &Secret) -> Self {
        let (ends, ended) = mpsc::channel();
        let file = context.memory.join(IN_FLIGHT);
        let url = format!("http://{}/health/backlog", context.litellm);
        let bearer = format!("Bearer {}", master_key.expose());
        let count = move || {
            let agent = api::agent(COUNT_EVERY);
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(COUNT_EVERY) {
                let answer = agent.get(&url).header("Authorization", &bearer).call();
                if let Some(requests) = answer.ok().and_then(under_way) {
                    // Who reads it can do without.
                    let _unwritten = std::fs::write(&file, requests.to_string());
                }
            }
            let _was_not_there = std::fs::remove_file(&file);
        };
        Self {
            ends: Some(ends),
            thread: (context.workers == 1).then(|| std::thread::spawn(count)),
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(thread) = self.thread.take() {
            // Its panic would be nobody's concern: it only counts.
            let _ended = thread.join();
        }
    }
}

/// What LiteLLM counts, but for the two questions of ours.
fn under_way(mut answer: ureq::http::Response<ureq::Body>) -> Option<u64> {
    let body: serde_json::Value = answer.body_mut().read_json().ok()?;
    Some(body["in_flight_requests"].as_u64()?.saturating_sub(2))
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddrV4, os::fd::AsRawFd as _};

    use nix::sys::socket::{
        AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, socket,
    };

    use super::*;
    use crate::internal::fake::{Fake, context};

    #[test]
    fn it_waits_for_the_answers_and_shows_the_token() {
        let fake = Fake::start();
        let (context, _folder) = context(fake.address());
        assert_eq!(run(&context).unwrap(), Drained::Done(3));
        let master_key = SecretStore::new(context.secrets).read(Kind::LitellmMasterKey);
        let asked = fake.requests();
        assert_eq!(asked.len(), 1);
        let token = format!("x-drain-token: {}", drain_token(&master_key.unwrap()));
        assert!(asked[0].contains(&token), "{asked:?}");
        assert!(!asked[0].contains("sk-"), "{asked:?}");
    }

    #[test]
    fn without_a_server_there_is_nothing_to_drain() {
        // Taken, so that no other test can listen there meanwhile, and nobody listens.
        let taken = socket(
            AddressFamily::Inet,
            SockType::Stream,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .unwrap();
        bind(taken.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
        let address: SockaddrIn = getsockname(taken.as_raw_fd()).unwrap();
        let (context, _folder) = context(SocketAddrV4::from(address).into());
        assert_eq!(run(&context).unwrap(), Drained::NotRunning);
    }
}
