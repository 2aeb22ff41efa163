//! What one client may take of nginx, and who counts as one.

use std::{io::Write as _, net::TcpStream};

use super::{Front, status};

#[test]
fn an_address_that_guesses_passwords_is_told_to_wait_and_another_is_not() {
    let front = Front::start(true, true);
    let sign_in = |path: &str| front.ask(&format!("POST {path}"), "Content-Length: 0\r\n");
    for _ in 0..11 {
        assert_eq!(status(&sign_in("/api/v1/auths/signin")), "200");
    }
    for path in ["/api/v1/auths/signin", "/api/v1/auths/ld%61p"] {
        let refused = sign_in(path);
        assert_eq!(status(&refused), "429", "{path}");
        assert!(refused.contains("Retry-After: 60\r\n"), "{refused}");
        let body = refused.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["code"], "too_many_logins");
    }
    let another = front.ask_from(
        "127.0.0.2",
        "POST /api/v1/auths/signin",
        "Content-Length: 0\r\n",
    );
    assert_eq!(status(&another), "200");
    assert_eq!(status(&front.ask("GET /", "")), "200");
}

#[test]
fn who_guesses_the_admin_pages_password_is_told_to_wait() {
    let front = Front::start(true, true);
    let sign_in = |path: &str| {
        Front::ask_at(
            front.admin,
            &format!("POST {path}"),
            "Content-Length: 0\r\n",
        )
    };
    for _ in 0..11 {
        assert_eq!(status(&sign_in("/v2/login")), "200");
    }
    for path in ["/v2/login", "/login", "/v3/log%69n", "//x/../login"] {
        let refused = sign_in(path);
        assert_eq!(status(&refused), "429", "{path}: {refused}");
        assert!(refused.contains("too_many_logins"), "{refused}");
    }
    // The page itself, and those who have signed in.
    for path in ["GET /ui/login", "GET /login", "POST /key/generate"] {
        let answer = Front::ask_at(front.admin, path, "Content-Length: 0\r\n");
        assert_eq!(status(&answer), "200", "{path}: {answer}");
    }
}

/// Whether a client at `second` is told to wait because of what one at `first` has tried. A proxy that
/// is trusted says where each of them is.
fn share_a_limit(front: &Front, first: &str, second: &str) -> bool {
    let login = |client: &str| {
        let headers = format!("X-Forwarded-For: {client}\r\nContent-Length: 0\r\n");
        let answer = front.ask("POST /api/v1/auths/signin", &headers);
        let status = status(&answer);
        assert!(matches!(status, "200" | "429"), "{client}: {answer}");
        status == "429"
    };
    assert!(!login(first), "{first} has tried nothing yet");
    let tries = (0..20).filter(|_| login(first)).count();
    assert!(tries > 5, "{first} is limited");
    login(second)
}

#[test]
fn a_network_of_ipv6_is_one_client_and_an_address_of_ipv4_is_one_however_it_is_written() {
    for (first, second, shared) in [
        ("192.0.2.1", "192.0.2.2", false),
        // The same /64, with and without what is left out; then one bit beside it.
        ("2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
        ("2001:db8:0:8000::", "2001:db8:0:8001::", false),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", true),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:3:3:4:5:6", false),
        // Bytes that a regular expression may take for the end of a line.
        (
            "2001:db8:a0a:a0a:a0a:a0a:a0a:a0a",
            "2001:db8:a0a:a0a::a",
            true,
        ),
        ("2001:db8:a0a:a0a::a", "2001:db8:a0a:a0b::a", false),
        ("d0d:d0d:d0d:d0d::", "d0d:d0d:d0d:d0d:a0d:a0d:a0d:a0d", true),
        // Bytes that are no UTF-8, and such as a map without regard to case would take for the same.
        ("fd80:ffff:fefe:c0c0::1", "fd80:ffff:fefe:c0c0:8080::", true),
        ("2001:4141:4141:4141::", "2001:6161:6161:6161::", false),
        // All of IPv4 is in one /64 where it is mapped (RFC 4291) or translated (RFC 6052).
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
        ("::ffff:192.0.2.1", "192.0.2.1", true),
        ("::ffff:10.10.10.10", "10.10.10.10", true),
        ("64:ff9b::c000:201", "64:ff9b::c000:202", false),
        ("64:ff9b::c000:201", "192.0.2.1", true),
        ("::1", "::2", true),
        // All neighbours on a link have the same prefix.
        ("fe80::1", "fe80::2", false),
        ("febf::1", "febf::2", false),
        ("fec0::1", "fec0::2", true),
    ] {
        let front = Front::start_trusting(&["127.0.0.0/8".parse().unwrap()]);
        assert_eq!(
            share_a_limit(&front, first, second),
            shared,
            "{first} {second}"
        );
    }
}

#[test]
fn half_requests_of_one_client_leave_room_for_others() {
    let front = Front::start(true, true);
    // As many as profile tiny has room for, and half of those that the front has here.
    let half = "GET /health HTTP/1.1\r\nHost: a\r\nX: ";
    let body = "POST /api/litellm/v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1";
    let mut held = Vec::new();
    for number in 0..800 {
        let mut stream = TcpStream::connect(front.address).unwrap();
        let text = if number < 400 { half } else { body };
        stream.write_all(text.as_bytes()).unwrap();
        held.push(stream);
    }
    let health = front.ask_from("127.0.0.2", "GET /health", "");
    assert_eq!(status(&health), "200");
    // A quarter of the connections is one address's for requests under way.
    let more = front.ask("GET /api/litellm/v1/models", "");
    assert_eq!(status(&more), "429", "{more}");
    assert!(more.contains("too_many_requests"), "{more}");
}
