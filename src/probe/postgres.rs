//! What `pg_isready` does: a start-up packet, and a look at what comes back.
//!
//! As the user that we are, so that peer authentication lets us in and nothing is logged.

use nix::unistd::{User, geteuid};
use supervise::spec::Address;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The SQLSTATE of a server that is starting, stopping or recovering (PostgreSQL, "Error Codes").
const CANNOT_CONNECT_NOW: &str = "57P03";
/// Protocol 3.0.
const PROTOCOL: u32 = 3 << 16;
/// An error message longer than this is not PostgreSQL's.
const MESSAGE_MAX: usize = 64 << 10;

/// Passes when the server answers anything but that it cannot be connected to now.
pub(super) async fn start_up(at: &Address) -> Result<(), String> {
    let mut stream = super::connect(at).await?;
    let user = match User::from_uid(geteuid()) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => "postgres".to_owned(),
    };
    let broken = |error| format!("the connection broke: {error}");
    stream.write_all(&packet(&user)).await.map_err(broken)?;
    let kind = stream.read_u8().await.map_err(broken)?;
    if kind != b'E' {
        // A good-bye spares the server a line about a client that vanished.
        let _gone = stream.write_all(&[b'X', 0, 0, 0, 4]).await;
        return Ok(());
    }
    let length = stream.read_u32().await.map_err(broken)?;
    let length = usize::try_from(length)
        .unwrap_or(usize::MAX)
        .saturating_sub(4);
    if length > MESSAGE_MAX {
        return Err("the answer is not PostgreSQL's".to_owned());
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.map_err(broken)?;
    match field(&message, b'C') {
        Some(code) if code == CANNOT_CONNECT_NOW => {
            Err(field(&message, b'M').unwrap_or_else(|| "it cannot be connected to now".into()))
        }
        _ => Ok(()),
    }
}

fn packet(user: &str) -> Vec<u8> {
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    for text in [
        "user",
        user,
        "database",
        "postgres",
        "application_name",
        "ai-gateway",
    ] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).expect("a user's name is short");
    let mut packet = length.to_be_bytes().to_vec();
    packet.append(&mut body);
    packet
}

/// The field of an ErrorResponse: a letter, a text, a zero, and so on.
fn field(message: &[u8], letter: u8) -> Option<String> {
    message
        .split(|&byte| byte == 0)
        .find_map(|field| field.strip_prefix(&[letter]))
        .map(|text| String::from_utf8_lossy(text).into_owned())
}
