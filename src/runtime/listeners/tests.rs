use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
};

use supervise::spec::Command;

use super::*;

fn service(listeners: Vec<Listener>) -> ServiceSpec {
    let name = ServiceName::new("web").unwrap();
    let command = Command {
        program: "/bin/true".into(),
        args: Vec::new(),
        env: BTreeMap::new(),
        cwd: "/".into(),
    };
    ServiceSpec {
        listeners,
        ..ServiceSpec::daemon(name, command)
    }
}

/// A port that is free now, at two addresses of this machine that no other test uses.
fn free() -> [SocketAddr; 2] {
    let socket = TcpListener::bind("127.77.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    ["127.77.0.1", "127.77.0.2"].map(|host| SocketAddr::new(host.parse().unwrap(), port))
}

#[test]
fn nobody_else_can_bind_what_is_held_and_clients_wait_there() {
    let [address, _] = free();
    let spec = service(vec![Listener::Tcp(address)]);
    let mut listeners = Listeners::default();
    listeners.keep(&[&spec]);
    let stranger = TcpListener::bind(address).unwrap_err();
    assert_eq!(stranger.kind(), io::ErrorKind::AddrInUse);
    // Nobody accepts yet.
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"early").unwrap();
    // A launch finds the same socket.
    listeners.open(&spec).unwrap();
    let [socket] = listeners.of(&spec)[..] else {
        panic!("one socket");
    };
    let service = TcpListener::from(socket.try_clone_to_owned().unwrap());
    let (mut accepted, _) = service.accept().unwrap();
    assert!(accepted.nodelay().unwrap());
    let mut said = [0; 5];
    accepted.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"early");
    drop(service);
    listeners.keep(&[]);
    TcpStream::connect(address).unwrap_err();
    TcpListener::bind(address).unwrap();
}

#[test]
fn a_unix_socket_is_for_its_owner_and_its_name_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    // What a daemon that was killed has left.
    drop(UnixListener::bind(&path).unwrap());
    let spec = service(vec![Listener::Unix(path.clone())]);
    let mut listeners = Listeners::default();
    listeners.open(&spec).unwrap();
    UnixStream::connect(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    listeners.keep(&[&spec]);
    assert!(path.exists());
    // Somebody has emptied the folder.
    fs::remove_file(&path).unwrap();
    listeners.open(&spec).unwrap();
    UnixStream::connect(&path).unwrap();
    listeners.keep(&[]);
    assert!(!path.exists());
}

#[test]
fn a_name_that_another_gateway_has_bound_meanwhile_stays_its() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let spec = service(vec![Listener::Unix(path.clone())]);
    let mut listeners = Listeners::default();
    listeners.open(&spec).unwrap();
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    // A launch does not take the other one's socket for the service's own.
    let error = listeners.open(&spec).unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "address in use");
    UnixStream::connect(&path).unwrap();

    // The same when the socket is closed.
    fs::remove_file(&path).unwrap();
    listeners.open(&spec).unwrap();
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    listeners.keep(&[]);
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_port_that_is_taken_is_told_with_who_has_it() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let spec = service(vec![Listener::Tcp(stranger.local_addr().unwrap())]);
    let mut listeners = Listeners::default();
    listeners.keep(&[&spec]);
    assert!(listeners.of(&spec).is_empty());
    let error = listeners.open(&spec).unwrap_err().to_string();
    let own = format!("(process {}) listens there", std::process::id());
    assert!(error.ends_with(&own), "{error}");
}

#[test]
fn another_address_of_the_same_port_waits_for_the_launch_and_what_stays_is_not_bound_again() {
    let ([here, there], [other, _]) = (free(), free());
    let before = service(vec![Listener::Tcp(here), Listener::Tcp(other)]);
    let after = service(vec![Listener::Tcp(there), Listener::Tcp(other)]);
    let mut listeners = Listeners::default();
    listeners.open(&before).unwrap();
    let inode = |listeners: &Listeners, spec: &ServiceSpec| {
        let last = listeners.of(spec).pop().unwrap();
        nix::sys::stat::fstat(last).unwrap().st_ino
    };
    let kept = inode(&listeners, &before);
    listeners.prepare(std::slice::from_ref(&after)).unwrap();
    // The service that runs still has its own.
    TcpStream::connect(here).unwrap();
    TcpStream::connect(there).unwrap_err();
    listeners.open(&after).unwrap();
    TcpStream::connect(here).unwrap_err();
    TcpStream::connect(there).unwrap();
    assert_eq!(inode(&listeners, &after), kept);
}

#[test]
fn what_cannot_be_had_refuses_a_reload_and_leaves_everything_as_it_was() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let ([here, _], [new, _]) = (free(), free());
    let before = service(vec![Listener::Tcp(here)]);
    let taken = Listener::Tcp(stranger.local_addr().unwrap());
    let after = service(vec![Listener::Tcp(here), Listener::Tcp(new), taken]);
    let mut listeners = Listeners::default();
    listeners.open(&before).unwrap();
    listeners.prepare(&[after]).unwrap_err();
    TcpStream::connect(here).unwrap();
    TcpStream::connect(new).unwrap_err();
}

#[test]
fn nobody_waits_in_accept_for_a_connection_that_another_has_taken() {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};

    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let spec = service(vec![
        Listener::Tcp(port.unwrap()),
        Listener::Unix(folder.path().join("web.sock")),
    ]);
    let mut listeners = Listeners::default();
    listeners.open(&spec).unwrap();
    let held = listeners.of(&spec);
    assert_eq!(held.len(), 2);
    for socket in held {
        let flags = OFlag::from_bits_retain(fcntl(socket, FcntlArg::F_GETFL).unwrap());
        assert!(flags.contains(OFlag::O_NONBLOCK), "{flags:?}");
    }
}

/// As in systemd.service(5), where nothing is said of `NonBlocking=`.
#[test]
fn a_program_that_knows_systemds_protocol_gets_sockets_that_wait_at_each_launch() {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};

    let [address, _] = free();
    let mut spec = service(vec![Listener::Tcp(address)]);
    spec.handover = Handover::Systemd;
    let mut listeners = Listeners::default();
    for _ in 0..2 {
        listeners.open(&spec).unwrap();
        let [socket] = listeners.of(&spec)[..] else {
            panic!("one socket");
        };
        let flags = OFlag::from_bits_retain(fcntl(socket, FcntlArg::F_GETFL).unwrap());
        assert!(!flags.contains(OFlag::O_NONBLOCK), "{flags:?}");
        // What one instance makes of it is not the next one's.
        let changed = FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK);
        fcntl(socket, changed).unwrap();
    }
}

#[test]
fn an_address_that_goes_to_another_service_is_closed_in_no_moment() {
    let ([moved, other], named) = (free(), |name: &str| ServiceName::new(name).unwrap());
    let old = service(vec![Listener::Tcp(moved)]);
    let mut new = service(vec![Listener::Tcp(moved)]);
    new.name = named("new");
    let inode = |listeners: &Listeners, spec: &ServiceSpec| {
        let [socket] = listeners.of(spec)[..] else {
            panic!("one socket");
        };
        nix::sys::stat::fstat(socket).unwrap().st_ino
    };
    let mut listeners = Listeners::default();
    listeners.open(&old).unwrap();
    let kept = inode(&listeners, &old);
    // The old one goes.
    listeners.prepare(std::slice::from_ref(&new)).unwrap();
    listeners.keep(&[&new]);
    listeners.open(&new).unwrap();
    assert_eq!(inode(&listeners, &new), kept);
    assert_eq!(listeners.addresses(&old.name), Vec::<String>::new());
    // The old one stays, and has another address from its next launch on.
    listeners.open(&old).unwrap();
    listeners.keep(&[&old, &new]);
    listeners.open(&new).unwrap();
    listeners.keep(&[&old, &new]);
    assert_eq!(inode(&listeners, &new), kept);
    listeners
        .open(&service(vec![Listener::Tcp(other)]))
        .unwrap();
    assert_eq!(inode(&listeners, &new), kept);
}

#[test]
fn what_is_no_socket_or_somebody_elses_keeps_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "mine").unwrap();
    let used = folder.path().join("used.sock");
    let stranger = UnixListener::bind(&used).unwrap();
    let mut listeners = Listeners::default();
    let mut refused = |path: &Path| {
        let spec = service(vec![Listener::Unix(path.to_owned())]);
        let error = listeners.open(&spec).unwrap_err();
        std::error::Error::source(&error).unwrap().to_string()
    };
    assert!(refused(&file).contains("no socket"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(refused(&used), "address in use");
    UnixStream::connect(&used).unwrap();
    drop(stranger);
}

/// The old service has another address from its next launch on, and is launched before the new one.
#[test]
fn an_address_that_moves_is_closed_in_no_moment_whoever_is_launched_first() {
    let ([moved, _], [other, _]) = (free(), free());
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("web.sock");
    let both = vec![Listener::Tcp(moved), Listener::Unix(name.clone())];
    let old = service(both.clone());
    let changed = service(vec![Listener::Tcp(other)]);
    let mut new = service(both);
    new.name = ServiceName::new("new").unwrap();
    let mut listeners = Listeners::default();
    listeners.open(&old).unwrap();
    let kept = listeners.of(&old).len();
    assert_eq!(kept, 2);
    listeners.prepare(&[changed.clone(), new.clone()]).unwrap();
    listeners.open(&changed).unwrap();
    TcpStream::connect(moved).unwrap();
    UnixStream::connect(&name).unwrap();
    listeners.keep(&[&changed, &new]);
    TcpStream::connect(moved).unwrap();
    UnixStream::connect(&name).unwrap();
    assert_eq!(listeners.of(&new).len(), 2);
    assert_eq!(listeners.addresses(&changed.name), [other.to_string()]);
    // What nobody has any more is closed.
    listeners.keep(&[&changed]);
    TcpStream::connect(moved).unwrap_err();
    assert!(!name.exists());
}

#[test]
fn what_was_bound_for_a_reload_that_fails_is_closed_again() {
    let ([here, _], [added, _]) = (free(), free());
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("web.sock");
    let runs = service(vec![Listener::Tcp(here)]);
    let mut new = service(vec![Listener::Tcp(added), Listener::Unix(name.clone())]);
    new.name = ServiceName::new("new").unwrap();
    let mut listeners = Listeners::default();
    listeners.open(&runs).unwrap();
    let prepared = listeners.prepare(&[runs, new]).unwrap();
    TcpStream::connect(added).unwrap();
    listeners.undo(&prepared);
    TcpStream::connect(added).unwrap_err();
    assert!(!name.exists());
    TcpStream::connect(here).unwrap();
}
