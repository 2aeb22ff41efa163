//! The probes that ask over a connection. They find out; what follows is the machine's to decide.
//!
//! Nothing here keeps time: whoever asks gives up after the time that the specification allows.

mod http;
mod postgres;

use std::{fmt, io};

use supervise::{
    event::Verdict,
    spec::{Address, Probe},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

/// A connection of either kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Asks a probe that a connection answers.
///
/// `None`: this probe is not of that kind; commands are run, and notifications and lines of output
/// are waited for, by those who launch the service.
pub async fn ask(probe: &Probe) -> Option<Verdict> {
    let answer = match probe {
        Probe::Http(target) => http::get(target).await,
        Probe::Tcp(address) => connect(&Address::Tcp(address.clone())).await.map(drop),
        Probe::Postgres { socket_dir, port } => {
            let socket = socket_dir.join(format!(".s.PGSQL.{port}"));
            postgres::start_up(&Address::Unix(socket)).await
        }
        Probe::Exec(_) | Probe::Notify | Probe::LogLine(_) => return None,
    };
    Some(match answer {
        Ok(()) => Verdict::Pass,
        Err(why) => Verdict::Fail(why),
    })
}

async fn connect(at: &Address) -> Result<Box<dyn Stream>, String> {
    match at {
        Address::Tcp(address) => match TcpStream::connect(address).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(unreachable(address, &error)),
        },
        Address::Unix(path) => match UnixStream::connect(path).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(unreachable(&path.display(), &error)),
        },
    }
}

fn unreachable(whom: &dyn fmt::Display, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            format!("nothing listens at {whom}")
        }
        _ => format!("cannot connect to {whom}: {error}"),
    }
}

#[cfg(test)]
mod tests;
