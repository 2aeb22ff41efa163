//! The rendered file against the real nginx: whether it takes it, and what it answers.

mod limits;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::{
        fd::AsRawFd as _,
        unix::{fs::PermissionsExt as _, net::UnixListener},
    },
    process::{Child, Command as Process, Stdio},
    thread,
};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use tempfile::TempDir;

use super::*;
use crate::{config::settings::Network, services::open_webui};

/// Wherever the distribution has put it.
fn nginx() -> String {
    let places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
    let found = places.iter().find(|place| Path::new(place).exists());
    (*found.expect("nginx is not installed: ./test installs it")).to_owned()
}

/// A folder whose name has what means something in the configuration.
fn folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("a b;{\"$x'")
        .tempdir()
        .unwrap();
    // Started by root, nginx's workers are nobody.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for (_, temporary) in TEMPORARY {
        fs::create_dir(folder.path().join(temporary)).unwrap();
    }
    folder
}

fn config(folder: &Path) -> Config<'_> {
    Config {
        front: "127.0.0.1:3000".parse().unwrap(),
        admin: "127.0.0.1:4000".parse().unwrap(),
        workers: 1,
        pid: folder.join("nginx.pid"),
        temporary: folder,
        litellm: folder.join("litellm.sock"),
        open_webui: Some(folder.join("http.sock")),
        signup: false,
        static_files: None,
        connections: 1024,
        trusted: &[],
    }
}

fn write(
    folder: &TempDir,
    [front, admin]: [SocketAddr; 2],
    open_webui: bool,
    static_files: Option<&Path>,
    trusted: &[Network],
) {
    let text = Config {
        front,
        admin,
        open_webui: open_webui.then(|| folder.path().join("http.sock")),
        static_files,
        trusted,
        ..config(folder.path())
    }
    .render();
    fs::write(folder.path().join("nginx.conf"), text).unwrap();
}

fn process(folder: &TempDir) -> Process {
    let mut process = Process::new(nginx());
    process.args(["-e", "stderr", "-p"]).arg(folder.path());
    process.arg("-c").arg(folder.path().join("nginx.conf"));
    process
}

#[test]
fn the_real_nginx_takes_the_configuration_without_a_word() {
    for (front, admin, open_webui) in [
        ("127.0.0.1:3000", "127.0.0.1:4000", true),
        ("127.0.0.1:3000", "127.0.0.1:4000", false),
        ("[::1]:3000", "0.0.0.0:4000", true),
    ] {
        let folder = folder();
        let ports = [front, admin].map(|address| address.parse().unwrap());
        write(&folder, ports, open_webui, None, &[]);
        let output = process(&folder).arg("-t").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let worries =
            |line: &&str| !line.contains("syntax is ok") && !line.contains("is successful");
        assert_eq!(said.lines().find(worries), None);
    }
}

/// nginx in front of two servers that answer with the request that they got.
struct Front {
    nginx: Child,
    address: SocketAddr,
    admin: SocketAddr,
    _folder: TempDir,
}

impl Front {
    /// `up`: whether there is anybody behind it.
    fn start(up: bool, open_webui: bool) -> Self {
        Self::start_with(up, open_webui, None)
    }

    fn start_with(up: bool, open_webui: bool, static_files: Option<&Path>) -> Self {
        Self::start_all(up, open_webui, static_files, &[])
    }

    fn start_trusting(trusted: &[Network]) -> Self {
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
    fn ask(&self, request: &str, headers: &str) -> String {
        Self::ask_at(self.address, request, headers)
    }

    fn ask_at(address: SocketAddr, request: &str, headers: &str) -> String {
        Self::asked(TcpStream::connect(address).unwrap(), request, headers)
    }

    /// The same from another address of this machine.
    fn ask_from(&self, source: &str, request: &str, headers: &str) -> String {
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

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

#[test]
fn the_admin_port_is_all_of_litellm_and_tells_it_who_asks() {
    let front = Front::start(true, true);
    let forged = "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n";
    let answer = Front::ask_at(front.admin, "GET /ui/%2F..;/?a=b", forged);
    let (head, request) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        request.starts_with("GET /ui/%2F..;/?a=b HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nHost: gate.example:8080\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nX-Forwarded-For: 127.0.0.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nX-Forwarded-Proto: http\r\n"),
        "{request}"
    );
    assert!(!request.contains("9.9.9.9"), "{request}");
    // Its headers are LiteLLM's.
    assert!(head.contains("X-Frame-Options: DENY"), "{head}");
    let api = front.ask("GET /api/litellm/v1/models", forged);
    assert!(api.contains("\r\nX-Forwarded-For: 127.0.0.1\r\n"), "{api}");
    let front = Front::start(false, true);
    let away = Front::ask_at(front.admin, "GET /ui/", "");
    assert_eq!(status(&away), "503");
    assert!(away.contains("LiteLLM does not answer"), "{away}");
}

#[test]
fn requests_reach_whom_they_are_for() {
    let front = Front::start(true, true);
    let api = front.ask(
        "GET /api/litellm/v1/models?a=b",
        "Authorization: Bearer x\r\n",
    );
    assert!(
        api.contains("\r\n\r\nGET /v1/models?a=b HTTP/1.1\r\n"),
        "{api}"
    );
    assert!(api.contains("Host: gate.example:8080\r\n"), "{api}");
    assert!(api.contains("X-Forwarded-For: 127.0.0.1\r\n"), "{api}");
    assert!(api.contains("Authorization: Bearer x\r\n"), "{api}");
    let ui = front.ask("GET /ws/socket.io/", "Upgrade: websocket\r\n");
    assert!(
        ui.contains("\r\n\r\nGET /ws/socket.io/ HTTP/1.1\r\n"),
        "{ui}"
    );
    assert!(
        ui.contains("Connection: upgrade\r\nUpgrade: websocket\r\n"),
        "{ui}"
    );
    let health = front.ask("GET /health", "");
    assert!(health.ends_with("\r\n\r\nhealthy\n"), "{health}");
    for answer in [api, ui, health] {
        let of_frames: Vec<_> = answer
            .lines()
            .filter(|line| line.starts_with("X-Frame-Options"))
            .collect();
        assert_eq!(of_frames, ["X-Frame-Options: SAMEORIGIN"]);
        assert!(answer.contains("Server: nginx\r\n"), "no version: {answer}");
    }
}

#[test]
fn nobody_signs_up_unless_the_configuration_lets_them() {
    let front = Front::start(true, true);
    for path in [
        "/api/v1/auths/signup",
        "/api/v1/auths/sign%75p",
        "//api//v1/auths/./signup?a=b",
        "/x/../api/v1/auths/signup",
    ] {
        let answer = front.ask(&format!("POST {path}"), "Content-Length: 0\r\n");
        assert_eq!(status(&answer), "403", "{path}: {answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(body["detail"].as_str().unwrap().contains("signup = true"));
    }
    let open = Config {
        signup: true,
        ..config(Path::new("/x"))
    };
    assert!(!open.render().contains("location = /api/v1/auths/signup"));
}

#[test]
fn nobodys_word_on_who_the_client_is_reaches_those_behind() {
    let front = Front::start(true, true);
    let forged = "X-Forwarded-For: 9.9.9.9\r\nX-Real-IP: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n\
                  X-Forwarded-Host: evil.example\r\n";
    let others: String = headers::IDENTITY
        .iter()
        .map(|header| format!("{header}: forged\r\n"))
        .collect();
    for path in [
        "GET /api/litellm/v1/models",
        "GET /",
        "POST /api/v1/auths/signin",
    ] {
        let answer = front.ask(path, &format!("{forged}{others}"));
        let seen = answer.split_once("\r\n\r\n").unwrap().1;
        for word in ["9.9.9.9", "forged", "evil.example", "https"] {
            assert!(!seen.contains(word), "{path}: {seen}");
        }
        for header in ["X-Real-IP: 127.0.0.1", "X-Forwarded-For: 127.0.0.1"] {
            assert!(seen.contains(&format!("{header}\r\n")), "{path}: {seen}");
        }
    }
}

#[test]
fn a_trusted_proxy_is_believed_and_a_stranger_beside_it_is_not() {
    let trusted = |network: &str| vec![network.parse().unwrap()];
    let headers = "X-Forwarded-For: 9.9.9.9, 10.7.7.7\r\nX-Forwarded-Proto: https\r\n\
                   X-Forwarded-Host: chat.example\r\nRemote-User: ada\r\n";
    let believed = Front::start_trusting(&trusted("127.0.0.0/8")).ask("GET /", headers);
    for header in [
        "X-Forwarded-For: 10.7.7.7\r\n",
        "X-Forwarded-Proto: https\r\n",
        "Host: chat.example\r\n",
        "Remote-User: ada\r\n",
    ] {
        assert!(believed.contains(header), "{header}{believed}");
    }
    let stranger = Front::start_trusting(&trusted("10.0.0.2")).ask("GET /", headers);
    for header in [
        "X-Forwarded-For: 127.0.0.1\r\n",
        "X-Forwarded-Proto: http\r\n",
        "Host: gate.example:8080\r\n",
    ] {
        assert!(stranger.contains(header), "{header}{stranger}");
    }
    assert!(!stranger.contains("ada"), "{stranger}");
}

#[test]
fn a_base_that_a_client_guesses_is_answered_with_the_right_one() {
    let front = Front::start(true, true);
    for path in [
        "/v1/chat/completions",
        "/v1",
        "/v1beta/models/m:generateContent",
        "/engines/m/completions",
        "/chat/completions",
        "/models",
        "/api/litellm/chat/completions",
        "//v1//models",
    ] {
        let answer = front.ask(&format!("GET {path}"), "");
        assert_eq!(status(&answer), "404", "{path}: {answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        let base = "http://gate.example:8080/api/litellm/v1.";
        assert!(message.contains(base), "{path}: {message}");
    }
    for path in [
        "/",
        "/openai/v1/models",
        "/openai/chat/completions",
        "/api/v1/models",
        "/api/models",
        "/workspace/models",
        "/v1x",
        "/modelsx",
    ] {
        let answer = front.ask(&format!("GET {path}"), "");
        assert_eq!(status(&answer), "200", "{path}: {answer}");
    }
}

#[test]
fn nothing_else_of_litellm_is_reached() {
    let front = Front::start(true, true);
    for path in [
        "/api/litellm/key/generate",
        "/api/litellm/",
        "/api/litellm/v1/../key/generate",
        "/api/litellm/v1/%2e%2e/key/generate",
    ] {
        let answer = front.ask(&format!("GET {path}"), "");
        assert_eq!(status(&answer), "403", "{path}: {answer}");
    }
}

#[test]
fn open_webui_sees_its_own_origin_for_the_site_and_no_other() {
    let front = Front::start(true, true);
    let origin = |origin: &str| {
        let answer = front.ask("GET /", &format!("Origin: {origin}\r\n"));
        let line = answer
            .lines()
            .find_map(|line| line.strip_prefix("Origin: "));
        line.map(str::to_owned)
    };
    for site in ["http://gate.example:8080", "https://gate.example:8080"] {
        assert_eq!(origin(site).as_deref(), Some(open_webui::ORIGIN));
    }
    for other in [
        "http://evil.example",
        "http://gate.example",
        "http://gate.example:80801",
        "http://evil.example http://gate.example:8080",
        "null",
    ] {
        assert_eq!(origin(other).as_deref(), Some(other));
    }
    let none = front.ask("GET /", "");
    assert!(!none.contains("Origin: "), "{none}");
}

#[test]
fn while_nobody_answers_it_says_so() {
    let front = Front::start(false, true);
    let api = front.ask("GET /api/litellm/v1/models", "");
    assert_eq!(status(&api), "503");
    assert!(api.contains("Retry-After: 3\r\n"), "{api}");
    assert!(api.contains("X-Frame-Options: SAMEORIGIN\r\n"), "{api}");
    let body = api.split_once("\r\n\r\n").unwrap().1;
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["code"], "service_unavailable");
    let ui = front.ask("GET /", "");
    assert_eq!(status(&ui), "503");
    assert!(ui.contains("Content-Type: text/html"), "{ui}");
    assert!(ui.contains("Open WebUI does not answer yet"), "{ui}");
    let large = front.ask(
        "POST /api/litellm/v1/files",
        "Content-Length: 104857601\r\n",
    );
    assert_eq!(status(&large), "413");
    assert!(large.contains("request_too_large"), "{large}");
}

#[test]
fn without_open_webui_it_says_where_the_api_is() {
    let front = Front::start(true, false);
    let answer = front.ask("GET /", "");
    assert_eq!(status(&answer), "404");
    assert!(
        answer.contains("The API is at /api/litellm/v1/."),
        "{answer}"
    );
}

#[test]
fn files_that_never_change_come_from_the_disk_and_all_else_from_open_webui() {
    let build = tempfile::Builder::new().prefix("a b;{").tempdir().unwrap();
    fs::set_permissions(build.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let immutable = build.path().join("_app/immutable");
    fs::create_dir_all(&immutable).unwrap();
    fs::write(immutable.join("chunk.abc.js"), "from the disk").unwrap();
    fs::write(build.path().join("index.html"), "not from the disk").unwrap();
    let front = Front::start_with(true, true, Some(build.path()));
    let answer = front.ask("GET /_app/immutable/chunk.abc.js", "");
    assert!(answer.ends_with("from the disk"), "{answer}");
    for header in [
        "Content-Type: text/javascript; charset=utf-8\r\n",
        "Cache-Control: public, max-age=31536000, immutable\r\n",
        "X-Content-Type-Options: nosniff\r\n",
        "X-Frame-Options: SAMEORIGIN\r\n",
    ] {
        assert!(answer.contains(header), "{header}{answer}");
    }
    for path in [
        "/",
        "/index.html",
        "/_app/version.json",
        "/_app/immutable/",
        "/_app/immutable/absent.js",
        "/_app/immutable/../../index.html",
    ] {
        let answer = front.ask(
            &format!("GET {path}"),
            "Origin: http://gate.example:8080\r\n",
        );
        assert!(
            answer.contains("X-Forwarded-For: 127.0.0.1\r\n"),
            "{path}: {answer}"
        );
        assert!(
            answer.contains(&format!("Origin: {}\r\n", open_webui::ORIGIN)),
            "{path}"
        );
        assert!(!answer.contains("immutable\r\n"), "{path}: {answer}");
    }
}

#[test]
fn a_path_that_nginx_would_take_for_a_variable_is_no_root() {
    assert!(can_be_a_root(Path::new("/srv/a b")));
    assert!(!can_be_a_root(Path::new("/srv/$x")));
}
