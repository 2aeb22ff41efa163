//! The daemon as a service manager hears it.

use std::{
    fs, io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    time::Duration,
};

use ai_gateway::control::types::Call;

use crate::gateway::Gateway;

/// A service manager's ear.
struct Ear {
    socket: UnixDatagram,
    address: String,
    // The folder of the socket, if it has one.
    _folder: Option<tempfile::TempDir>,
}

impl Ear {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        Self::with(
            socket,
            path.to_str().expect("a plain path").to_owned(),
            Some(folder),
        )
    }

    /// Without a file: the name is the whole machine's.
    fn abstract_one() -> Self {
        let name = format!("ai-gateway-test-manager-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        Self::with(
            UnixDatagram::bind_addr(&address).expect("a name of ours"),
            format!("@{name}"),
            None,
        )
    }

    fn with(socket: UnixDatagram, address: String, folder: Option<tempfile::TempDir>) -> Self {
        // A test that hears nothing fails, instead of waiting for ever.
        socket
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time");
        Self {
            socket,
            address,
            _folder: folder,
        }
    }

    fn next(&self) -> io::Result<String> {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer)?;
        Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    /// Everything up to the message with this line.
    fn until(&self, line: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let message = self
                .next()
                .unwrap_or_else(|error| panic!("no {line}: {error}: {heard:?}"));
            let found = message.lines().any(|l| l == line);
            heard.extend(message.lines().map(str::to_owned));
            if found {
                return heard;
            }
        }
    }
}

fn count(heard: &[String], line: &str) -> usize {
    heard.iter().filter(|l| *l == line).count()
}

fn start(scenario: &str, ear: &Ear, watchdog_micros: Option<&str>) -> Gateway {
    let mut variables = vec![("NOTIFY_SOCKET", ear.address.as_str())];
    variables.extend(watchdog_micros.map(|micros| ("WATCHDOG_USEC", micros)));
    Gateway::start_with(scenario, &variables)
}

/// A start, reloads and a stop, as systemd asks for them: by signals.
fn a_whole_life(ear: &Ear) {
    let gateway = start("two", ear, None);
    let heard = ear.until("READY=1");
    assert_eq!(heard[0], "STATUS=0 of 2 ready: waiting for base (0 s)");
    assert!(
        heard[1].starts_with("EXTEND_TIMEOUT_USEC=4"),
        "the start's 30 s and a margin: {heard:?}"
    );
    let [.., ready, pid, status] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!(ready, "READY=1");
    assert_eq!(*pid, format!("MAINPID={}", gateway.daemon()));
    assert_eq!(status, "STATUS=2 of 2 ready");

    let scenario = |text| fs::write(gateway.home().join("scenario"), text).expect("a file");
    scenario("two-with-another-user");
    gateway.kill(gateway.daemon(), libc::SIGHUP);
    let heard = ear.until("READY=1");
    assert_eq!(heard[0], "RELOADING=1");
    let monotonic = heard[1].strip_prefix("MONOTONIC_USEC=").expect("the time");
    assert!(monotonic.parse::<u64>().expect("a number") > 0);
    assert_eq!(heard.last().expect("messages"), "STATUS=3 of 3 ready");

    scenario("nonsense");
    gateway.kill(gateway.daemon(), libc::SIGHUP);
    let heard = ear.until("READY=1");
    assert_eq!(heard[0], "RELOADING=1");
    let last = heard.last().expect("messages");
    assert!(
        last.starts_with("STATUS=3 of 3 ready; the last reload was refused: "),
        "{last}"
    );

    gateway.kill(gateway.daemon(), libc::SIGTERM);
    let heard = ear.until("STATUS=everything is stopped");
    assert_eq!(heard[0], "STOPPING=1");
    assert_eq!(count(&heard, "STOPPING=1"), 1);
    assert_eq!(count(&heard, "READY=1"), 0);
    assert!(
        heard.iter().any(|l| l.starts_with("EXTEND_TIMEOUT_USEC=")),
        "{heard:?}"
    );
    gateway.ended(0);
}

#[test]
fn systemd_hears_of_the_start_each_reload_and_the_stop() {
    a_whole_life(&Ear::new());
}

#[test]
fn an_abstract_socket_is_as_good() {
    a_whole_life(&Ear::abstract_one());
}

#[test]
fn signs_of_life_come_from_a_loop_that_has_nothing_else_to_do() {
    let ear = Ear::new();
    let gateway = start("two", &ear, Some("100000"));
    gateway.ask(&Call::Start(None)).unwrap();
    ear.until("STATUS=2 of 2 ready");
    for _ in 0..5 {
        assert_eq!(ear.next().unwrap(), "WATCHDOG=1\n");
    }
    // A loop that does not turn says nothing.
    gateway.kill(gateway.daemon(), libc::SIGSTOP);
    gateway.until_stopped();
    // What it said before is still to be read on a machine that is busy.
    ear.socket.set_nonblocking(true).unwrap();
    while ear.next().is_ok() {}
    ear.socket.set_nonblocking(false).unwrap();
    ear.socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    ear.next().unwrap_err();
    ear.socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    gateway.kill(gateway.daemon(), libc::SIGCONT);
    assert_eq!(ear.next().unwrap(), "WATCHDOG=1\n");
}

#[test]
fn a_start_with_a_service_that_fails_for_good_is_not_called_ready() {
    let ear = Ear::new();
    let gateway = start("broken", &ear, None);
    gateway.ask(&Call::Start(None)).unwrap_err();
    let heard = loop {
        let message = ear.next().unwrap();
        assert!(!message.contains("READY=1"), "{message}");
        if message.contains("1 of 2 ready: broken has failed") {
            break message;
        }
    };
    assert!(heard.contains("No such file"), "{heard}");
}
