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
