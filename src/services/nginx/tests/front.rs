//! A real nginx with the rendered file, in front of servers of the test's own.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::{
        fd::AsRawFd as _,
        unix::{fs::PermissionsExt as _, net::UnixListener},
    },
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use tempfile::TempDir;

use super::{folder, process, write};
use crate::config::settings::Network;

/// nginx in front of two servers that answer with the request that they got.
pub(super) struct Front {
    nginx: Child,
    pub(super) address: SocketAddr,
    pub(super) admin: SocketAddr,
    _folder: TempDir,
}

impl Front {
    /// `up`: whether there is anybody behind it.
    pub(super) fn start(up: bool, open_webui: bool) -> Self {
        Self::start_with(up, open_webui, None)
    }

    pub(super) fn start_with(up: bool, open_webui: bool, static_files: Option<&Path>) -> Self {
        Self::start_all(up, open_webui, static_files, &[])
    }

    pub(super) fn start_trusting(trusted: &[Network]) -> Self {
        Self::start_all(true, true, None, trusted)
    }

    fn start_all(
        up: bool,
        open_webui: bool,
        static_files: Option<&Path>,
        trusted: &[Network],
    ) -> Self {
        let folder = folder();
        for name in ["litellm.sock", "http.sock"] {
            let socket = folder.path().join(name);
            let server = UnixListener::bind(&socket).unwrap();
            fs::set_permissions(socket, fs::Permissions::from_mode(0o777)).unwrap();
            if up {
                thread::spawn(move || server.incoming().for_each(|stream| echo(stream.unwrap())));
            }
        }
        // nginx takes listening sockets over from its predecessor; here that is this test, so that
        // the port is known and a connection can be made before nginx is there.
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [address, admin] = listeners.each_ref().map(|it| it.local_addr().unwrap());
        write(&folder, [address, admin], open_webui, static_files, trusted);
        let numbers = listeners.each_ref().map(|listener| {
            listener.set_nonblocking(true).unwrap();
            fcntl(listener, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
            format!("{};", listener.as_raw_fd())
        });
        let nginx = process(&folder)
            .env_clear()
            .env("NGINX", numbers.concat())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            nginx,
            address,
            admin,
            _folder: folder,
        }
    }

    /// Sends a request and returns the whole answer.
    pub(super) fn ask(&self, request: &str, headers: &str) -> String {
        Self::ask_at(self.address, request, headers)
    }

    pub(super) fn ask_at(address: SocketAddr, request: &str, headers: &str) -> String {
        Self::asked(TcpStream::connect(address).unwrap(), request, headers)
    }

    /// The same from another address of this machine.
    pub(super) fn ask_from(&self, source: &str, request: &str, headers: &str) -> String {
        use nix::sys::socket::{
            AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket,
        };
        let at = |text: String| text.parse::<SockaddrIn>().unwrap();
        let from = socket(
            AddressFamily::Inet,
            SockType::Stream,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .unwrap();
        bind(from.as_raw_fd(), &at(format!("{source}:0"))).unwrap();
        connect(from.as_raw_fd(), &at(self.address.to_string())).unwrap();
        Self::asked(TcpStream::from(from), request, headers)
    }

    fn asked(mut stream: TcpStream, request: &str, headers: &str) -> String {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: gate.example:8080\r\nConnection: close\r\n{headers}\r\n"
        )
        .unwrap();
        // Not to its end: after a refusal nginx waits some seconds for what it will not read.
        let (mut answer, mut byte) = (String::new(), [0]);
        while !is_whole(&answer) && stream.read(&mut byte).unwrap() == 1 {
            answer.push(char::from(byte[0]));
        }
        answer
    }
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    length.is_some_and(|length| body.len() >= length.parse().unwrap())
}

impl Drop for Front {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.nginx.id().try_into().unwrap());
        // TERM, not KILL: the worker ends with its master.
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.nginx.wait().unwrap();
    }
}

fn echo(mut stream: impl std::io::Read + std::io::Write) {
    let (mut head, mut byte) = (String::new(), [0]);
    while !head.ends_with("\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(char::from(byte[0]));
    }
    let length = head.len();
    write!(stream, "HTTP/1.1 200 OK\r\nX-Frame-Options: DENY\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{head}").unwrap();
}

/// The status in an answer's first line.
pub(super) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}
