//! The way to the service manager: one datagram a message, to the socket that it named.

use std::{
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    time::Duration,
};

/// A manager that does not read its messages for so long does without this one.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where messages go.
#[derive(Debug)]
pub struct Socket {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Socket {
    /// Opens the way to `address`, as `$NOTIFY_SOCKET` has it: a path, or `@` and the name of an
    /// abstract socket (sd_notify(3)).
    ///
    /// # Errors
    /// The address is neither, or there is no descriptor left.
    pub fn open(address: &str) -> io::Result<Self> {
        let address = match address.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None if address.starts_with('/') => SocketAddr::from_pathname(address)?,
            None => return Err(io::ErrorKind::Unsupported.into()),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { socket, address })
    }

    /// Sends one message.
    ///
    /// # Errors
    /// Nobody listens, or nobody reads.
    pub fn send(&self, message: &str) -> io::Result<()> {
        self.socket
            .send_to_addr(message.as_bytes(), &self.address)
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(listener: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = listener.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_message_reaches_a_path_and_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        let socket = Socket::open(path.to_str().unwrap()).unwrap();
        socket.send("READY=1\n").unwrap();
        assert_eq!(heard(&listener), "READY=1\n");

        // Names of abstract sockets are the whole machine's.
        let name = format!("ai-gateway-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let listener = UnixDatagram::bind_addr(&address).unwrap();
        let socket = Socket::open(&format!("@{name}")).unwrap();
        socket.send("STOPPING=1\n").unwrap();
        assert_eq!(heard(&listener), "STOPPING=1\n");
    }

    #[test]
    fn other_addresses_are_refused_and_a_manager_that_is_gone_is_told() {
        let error = Socket::open("vsock:2:1234").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        let socket = Socket::open("/nonexistent/notify").unwrap();
        assert_eq!(
            socket.send("READY=1").unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn a_manager_that_does_not_read_does_not_hold_us_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _deaf = UnixDatagram::bind(&path).unwrap();
        let socket = Socket::open(path.to_str().unwrap()).unwrap();
        socket
            .socket
            .set_write_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        let full = (0..100_000).find_map(|_| socket.send("WATCHDOG=1").err());
        assert_eq!(full.unwrap().kind(), io::ErrorKind::WouldBlock);
    }
}
