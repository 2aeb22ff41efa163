//! Who listens where: sockets that the daemon holds, and ports that somebody else has.

use super::*;

#[test]
fn somebody_else_on_its_port_does_not_make_a_service_ready() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let gateway = Gateway::start_with("another-listener", &[(scenarios::PORT, &port.to_string())]);
    // The next probe comes only when the one before has failed.
    for _ in 0..3 {
        let mut asked = [PollFd::new(stranger.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut asked, 20_000_u16).unwrap(), 1, "no further probe");
        drop(stranger.accept().unwrap());
    }
    assert_eq!(
        gateway.status().services["listening"].state,
        StateName::Starting
    );
    drop(stranger);
    fs::write(gateway.home().join("listen"), "").unwrap();
    gateway.until(|status| status.services["listening"].state == StateName::Ready);
}

/// The number of the process that answers there, however long it takes to be there.
fn answered_by(address: SocketAddr) -> String {
    let mut said = String::new();
    let mut client = TcpStream::connect(address).expect("nobody is refused");
    client.read_to_string(&mut said).expect("an answer");
    said
}

#[test]
fn a_held_socket_refuses_nobody_and_stays_whatever_happens_to_its_service() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let gateway = Gateway::start_with("held", &[(scenarios::PORT, &address.port().to_string())]);
    gateway.until(|status| status.services["held"].state == StateName::Ready);
    let flag = gateway.home().join("answer");
    assert_eq!(
        gateway.status().services["held"].listens,
        [address.to_string()]
    );
    // Everybody who can bind waits for the moment in which the service is away.
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stranger = scope.spawn(|| {
            let mut tries = 0;
            while !ended.load(Ordering::Relaxed) {
                let error = TcpListener::bind(address).map(drop).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::AddrInUse);
                tries += 1;
            }
            tries
        });
        let early = scope.spawn(move || answered_by(address));
        fs::write(&flag, "").unwrap();
        let first = early.join().unwrap();
        // Killed, and stopped to be started again, with a client in between.
        for again in 0..2 {
            fs::remove_file(&flag).unwrap();
            let before = gateway.status().services["held"].pid.unwrap();
            if again == 0 {
                kill(Pid::from_raw(before.cast_signed()), Signal::SIGKILL).unwrap();
            } else {
                gateway.ask(&Call::Restart(Some(name("held")))).unwrap();
            }
            gateway.until(|status| {
                let held = &status.services["held"];
                held.pid.is_some_and(|pid| pid != before) && held.state == StateName::Ready
            });
            let waits = scope.spawn(move || answered_by(address));
            fs::write(&flag, "").unwrap();
            let answered = waits.join().unwrap();
            assert_ne!(answered, first);
        }
        ended.store(true, Ordering::Relaxed);
        assert!(stranger.join().unwrap() > 0);
    });
    gateway.ask(&Call::Stop(Some(name("held")))).unwrap();
    TcpStream::connect(address).unwrap_err();
    gateway.ask(&Call::Start(Some(name("held")))).unwrap();
    answered_by(address);
}

#[test]
fn a_control_socket_that_another_gateway_has_bound_meanwhile_stays_when_this_one_ends() {
    let gateway = Gateway::start("two");
    // Whoever answers listens for signals, too.
    gateway.status();
    let path = gateway.paths().control_socket();
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    gateway.kill(gateway.daemon(), libc::SIGTERM);
    gateway.ended(0);
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_port_that_somebody_has_is_named_and_taken_once_it_is_free() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port().to_string();
    let gateway = Gateway::start_with("held", &[(scenarios::PORT, &port)]);
    let refusal = gateway.ask(&Call::Start(None)).unwrap_err().to_string();
    let who = format!("(process {}) listens there", std::process::id());
    assert!(refusal.contains(&who), "{refusal}");
    drop(stranger);
    gateway.ask(&Call::Start(None)).unwrap();
}

/// A gateway with a service that listens on these addresses by systemd's protocol.
fn activated(listen: &[String]) -> Gateway {
    Gateway::start(&own_service(listen, ""))
}

fn own_service(listen: &[String], more: &str) -> String {
    let command = ["/usr/bin/python3", "-B", scenarios::SERVICE, "activated"];
    format!("[service.web]\ncommand = {command:?}\nlisten = {listen:?}\n{more}")
}

fn free_address() -> SocketAddr {
    let port = free_port().parse().expect("a number");
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// What a connection is answered with: the process's number, and the rest.
fn told(mut client: impl Read) -> (i32, String) {
    let mut said = String::new();
    client.read_to_string(&mut said).expect("an answer");
    let (pid, rest) = said.split_once(' ').expect("it was dropped");
    (pid.parse().expect("a number"), rest.to_owned())
}

#[test]
fn a_service_of_ones_own_is_given_its_sockets_as_systemd_gives_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.sock");
    let (one, two) = (free_address(), free_address());
    let listen = [
        one.to_string(),
        format!("unix:{}", path.display()),
        two.to_string(),
    ];
    let gateway = activated(&listen);
    gateway.ask(&Call::Start(None)).unwrap();
    let web = gateway.status().services["web"].clone();
    assert_eq!(web.listens, listen);
    let pid = gateway.pid("web");
    let answers = [
        told(TcpStream::connect(one).unwrap()),
        told(UnixStream::connect(&path).unwrap()),
        told(TcpStream::connect(two).unwrap()),
    ];
    let expected = |at: usize| (pid, format!("{at} web True"));
    assert_eq!(answers, [expected(0), expected(1), expected(2)]);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    gateway.ask(&Call::Stop(None)).unwrap();
    gateway.ended(0);
    assert!(!path.exists(), "its name outlived the socket");
}

#[test]
fn a_restart_of_a_service_of_ones_own_drops_no_connection() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.sock");
    let address = free_address();
    let listen = [address.to_string(), format!("unix:{}", path.display())];
    let gateway = activated(&listen);
    gateway.ask(&Call::Start(None)).unwrap();
    let ended = AtomicBool::new(false);
    let asks = |connect: &dyn Fn() -> (i32, String)| {
        let mut pids = std::collections::BTreeSet::new();
        while !ended.load(Ordering::Relaxed) {
            pids.insert(connect().0);
        }
        pids
    };
    let mut instances = std::collections::BTreeSet::from([gateway.pid("web")]);
    std::thread::scope(|scope| {
        let clients = [
            scope.spawn(|| asks(&|| told(TcpStream::connect(address).expect("nobody is refused")))),
            scope.spawn(|| asks(&|| told(UnixStream::connect(&path).expect("nobody is refused")))),
        ];
        for _ in 0..4 {
            gateway.ask(&Call::Restart(Some(name("web")))).unwrap();
            // The new instance takes its turn with what waits for it.
            let pid = gateway.pid("web");
            while told(TcpStream::connect(address).unwrap()).0 != pid {}
            instances.insert(pid);
        }
        // A reload that restarts it for another reason is one more, with the same sockets.
        let other = own_service(&listen, "environment = { COLOUR = \"blue\" }\n");
        fs::write(gateway.home().join("scenario"), other).unwrap();
        gateway.ask(&Call::Reload(None)).unwrap();
        let pid = gateway.pid("web");
        while told(TcpStream::connect(address).unwrap()).0 != pid {}
        instances.insert(pid);
        ended.store(true, Ordering::Relaxed);
        for client in clients {
            let pids = client.join().unwrap();
            assert!(pids.is_subset(&instances), "{pids:?} {instances:?}");
            assert!(pids.len() > 1, "one instance answered everybody: {pids:?}");
        }
    });
    assert_eq!(instances.len(), 6);
}

#[test]
fn an_address_that_is_new_is_held_before_the_service_restarts_for_it() {
    let (old, new) = (free_address(), free_address());
    let gateway = activated(&[old.to_string()]);
    gateway.ask(&Call::Start(None)).unwrap();
    let pid = gateway.pid("web");
    let both = own_service(&[new.to_string(), old.to_string()], "");
    fs::write(gateway.home().join("scenario"), both).unwrap();
    gateway.ask(&Call::Reload(None)).unwrap();
    let (now, place) = told(TcpStream::connect(new).unwrap());
    assert_ne!(now, pid);
    assert_eq!(place, "0 web True");
    assert_eq!(
        told(TcpStream::connect(old).unwrap()),
        (now, "1 web True".to_owned())
    );
    // Somebody else has this one: nothing changes.
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = own_service(&[stranger.local_addr().unwrap().to_string()], "");
    fs::write(gateway.home().join("scenario"), taken).unwrap();
    gateway.ask(&Call::Reload(None)).unwrap_err();
    assert_eq!(gateway.pid("web"), now);
    assert_eq!(told(TcpStream::connect(new).unwrap()).0, now);
}
