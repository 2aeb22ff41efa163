//! One GET, of which only the status counts.

use httparse::{EMPTY_HEADER, Response, Status};
use supervise::spec::{Address, HttpTarget};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A head that is longer than this is no answer to a probe.
const HEAD_MAX: usize = 64 << 10;

/// Passes for a status from 200 to 399.
pub(super) async fn get(target: &HttpTarget) -> Result<(), String> {
    let mut stream = super::connect(&target.at).await?;
    let host = match &target.at {
        Address::Tcp(address) => address,
        Address::Unix(_) => "localhost",
    };
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ai-gateway-probe\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n",
        target.path
    );
    let broken = |error| format!("the connection broke: {error}");
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    let mut head = Vec::with_capacity(1024);
    loop {
        let read = stream.read_buf(&mut head).await.map_err(broken)?;
        if let Some(status) = status(&head)? {
            return match status {
                200..400 => Ok(()),
                _ => Err(format!("{} answered {status}", target.path)),
            };
        }
        if read == 0 {
            return Err(format!("{} was answered by no status", target.path));
        }
        if head.len() > HEAD_MAX {
            return Err(format!("{} was answered by an endless head", target.path));
        }
    }
}

/// The status, once the head is whole.
fn status(head: &[u8]) -> Result<Option<u16>, String> {
    let mut headers = [EMPTY_HEADER; 64];
    let mut response = Response::new(&mut headers);
    match response.parse(head) {
        Ok(Status::Complete(_)) => Ok(response.code),
        Ok(Status::Partial) => Ok(None),
        Err(error) => Err(format!("the answer is not HTTP: {error}")),
    }
}
