//! Before LiteLLM is told to stop: takes it out of service and waits for the answers under way.
//!
//! That every cost is written before it ends is seen to in its own process (`gateway_app.py`): a
//! look from outside could not tell.

use std::time::Duration;

use super::{Context, api};
use crate::{
    secrets::{Kind, SecretError, SecretStore},
    stack::litellm::{DRAIN_SECONDS, drain_token},
};

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
